// What an exchange knows of a gRPC call beside what it knows of any request: its time limits, how it ended,
// how long another attempt has to wait, and when a drain takes it for a tunnel (D7). Worker only.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "proxy/base/failure.hpp"
#include "proxy/base/frames.hpp"
#include "proxy/base/grpc_status.hpp"
#include "proxy/base/task.hpp"
#include "proxy/config/spec.hpp"
#include "proxy/http/message.hpp"
#include "proxy/mux/stream_wait.hpp"
#include "proxy/net/timer_wheel.hpp"
#include "proxy/upstream/backend.hpp"

namespace sluice::exchange {

// What an outcome says of its pool, in the words of HTTP (G4); 0: nothing.
int http_status_of(GrpcStatus status);

class GrpcCall : private net::Deadline {
 public:
  // Older calls whose answer has begun count as tunnels when a drain begins (D7). An answer that goes on for
  // so long is no measure of how fast the pool is.
  static constexpr std::chrono::seconds kLong{5};
  // A server that wants a longer wait before the next attempt gets none from here: its answer goes to the
  // client, which reads the same words.
  static constexpr std::chrono::milliseconds kLongestPushback{2'000};

  // `activity` is cut when the call's own deadline comes (D1). All outlive it.
  GrpcCall(net::Poller& poller, net::TimerWheel& wheel, const http::RequestHead& head,
           net::Clock::time_point began, upstream::Activity& activity);
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }

  // --- time
  // The limits of the attempt that begins now: those of the service, less what grpc-timeout leaves. Valid as
  // long as this lives; answer_begins() changes them.
  const config::TimeoutSpec& begin_attempt(const config::TimeoutSpec& service);
  // From here on messages may be as far apart as bytes in a tunnel.
  void answer_begins();
  bool is_long() const;    // see kLong; by its age
  bool is_stream() const;  // see kLong; by what its answer took until now
  void end_within(std::chrono::milliseconds wait) { expires_after(wait); }

  // --- the outcome
  // The final head of an answer, and the trailers that have come with it, if it has no body.
  void take_head(const http::ResponseHead& head, std::span<const http::Field> trailers);
  // These were the whole answer, and it is an error: another attempt may be made (R1, R2).
  std::optional<GrpcStatus> failed_at_once() const;
  // The attempt ended, by `trailers` or as `failure` says. Nothing: that says nothing of the backend.
  std::optional<GrpcStatus> attempt_ended(Failure failure, std::span<const http::Field> trailers);
  // What the client got, or what the proxy said instead.
  void set_status(GrpcStatus status) { status_ = status; }
  std::optional<GrpcStatus> status() const { return status_; }

  // --- another attempt
  // The server lets it be made, within the time that is left.
  bool may_push_back() const;
  // As long as the server asked for. cancel_wait() ends it.
  Task<void> wait_pushback();
  void cancel_wait() { pause_.end(StreamStatus::canceled); }
  // grpc-previous-rpc-attempts when `ours` have been made here.
  std::uint32_t previous_attempts(int ours) const;

 private:
  void expired() override { activity_.abort(); }
  std::chrono::milliseconds left() const;

  const http::RequestHead& head_;
  const net::Clock::time_point began_;
  upstream::Activity& activity_;
  const std::optional<std::chrono::milliseconds> timeout_;  // of the whole call
  config::TimeoutSpec timeouts_;
  std::optional<net::Clock::time_point> answer_began_;
  std::optional<GrpcStatus> early_;  // that came with the answer's head
  bool ended_early_ = false;         // without a message
  std::optional<GrpcStatus> status_;
  std::chrono::milliseconds pushback_{0};  // negative: no further attempt
  mux::StreamWait pause_;
};

}  // namespace sluice::exchange
