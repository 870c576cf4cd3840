// One request: THE way. Plan it, claim a backend, send, relay the answer, record; around it the retry loop.
// The exchange knows neither the client's protocol nor the backend's: a ClientStream is on its one side, an
// upstream::Request on the other. What it decides is decided elsewhere: plan.hpp (route, limits, pool),
// placement.hpp (backend), attempts.hpp (retry). Worker only. See LIFE_OF_A_REQUEST.md beside this file.
#pragma once

#include <memory>
#include <string_view>

#include "proxy/base/failure.hpp"
#include "proxy/base/task.hpp"
#include "proxy/client/client_stream.hpp"
#include "proxy/exchange/accounting.hpp"
#include "proxy/exchange/asset_search.hpp"
#include "proxy/exchange/attempts.hpp"
#include "proxy/exchange/client_watch.hpp"
#include "proxy/exchange/context.hpp"
#include "proxy/exchange/event_stream.hpp"
#include "proxy/exchange/forwarding.hpp"
#include "proxy/exchange/grpc_call.hpp"
#include "proxy/exchange/own_answer.hpp"
#include "proxy/exchange/placement.hpp"
#include "proxy/exchange/plan.hpp"
#include "proxy/exchange/relay.hpp"
#include "proxy/exchange/request_trace.hpp"
#include "proxy/exchange/shadow.hpp"
#include "proxy/exchange/tunnel.hpp"
#include "proxy/exchange/upload.hpp"
#include "proxy/exchange/user.hpp"
#include "proxy/exchange/waits.hpp"

namespace sluice::exchange {

// So many methods because it is three things to others: a coroutine for its stream, an Activity for its
// backend, an observer for its client.
class Exchange final : private upstream::Activity, private client::StreamObserver {
 public:
  // Answers the client, one way or the other. The exchange lives in this frame, which an idle connection does
  // not keep.
  static Task<void> serve(Context& context, client::ClientStream& client);
  // The text that the snapshot has for this path. Requires: it has one.
  static Task<void> serve_proof(Context& context, client::ClientStream& client);

 private:
  Exchange(Context& context, client::ClientStream& client);
  ~Exchange() override;

  // the way, in order
  Task<void> answer_here(std::string_view text);
  Task<Failure> wait_out_pause();
  Failure within_limits();
  bool decide_pool();
  Task<Failure> forward();
  bool claim();
  void open_request();
  Task<Failure> connect();
  upstream::Request::SendAwaiter send_request(std::string_view body, bool whole);
  Failure after_send(StreamStatus status, bool whole);
  void count_attempt(Failure failure);
  std::optional<GrpcStatus> count_call(Failure failure);
  Relay::Step relay_on(Failure& failure);
  Task<Failure> flush();
  // What becomes of an answer's head.
  enum class Head : std::uint8_t { pass, retry, look_elsewhere };
  Head take_head();
  Head judge(int status);
  Task<Failure> look_elsewhere();
  void pass_head();
  Task<void> run_tunnel();
  void begin_opening();
  void end_opening();
  bool plan_retry(Failure failure);
  void begin_events();
  Failure after_arrival(StreamStatus status) const;
  Failure failure_of(StreamStatus status) const;
  Failure lost_request() const;
  Failure count_unprocessed();
  Task<void> answer(Failure failure);
  Task<void> end_call(const OwnAnswer& own);
  void record(Failure failure);
  void end(Failure failure);
  observe::AccessRecord access_record(std::string_view error) const;

  // Activity
  bool is_tunnel() const override {
    return tunnel_ || (aside_ && aside_->events) || (call_ && call_->is_long());
  }
  net::Clock::time_point began() const override { return accounting_.began(); }
  std::string_view path() const override { return client_.head().path; }
  std::string_view client() const override { return client_.info().address; }
  void abort() override;
  void end_within(std::chrono::milliseconds wait) override;
  bool is_leaving() const override { return leaving_; }
  // StreamObserver
  void client_gone() override;
  void client_half_closed() override;

  Context& context_;
  client::ClientStream& client_;
  const RequestId id_;
  Plan plan_;
  Accounting accounting_;
  Attempts attempts_;
  Placement placement_;
  Waits waits_;
  User user_;
  Shadow shadow_;
  upstream::RequestPtr request_;  // of the attempt under way
  // Of the client's connection, for a backend that is told (PROXY protocol).
  std::unique_ptr<SocketAddresses> addresses_;
  Upload upload_;
  Relay relay_;
  ClientWatch watch_;
  std::unique_ptr<Tunnel> tunnel_;       // from its opening on
  std::unique_ptr<GrpcCall> call_;       // if the request is one
  std::unique_ptr<RequestTrace> trace_;  // where tracing is on
  // What few requests have: together, so that the others pay for one look.
  struct Aside {
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }

    std::unique_ptr<EventStream> events;          // if the answer is one
    std::unique_ptr<AssetSearch> assets;          // if another pool was asked for what the chosen one has not
    observe::BackendCounters* opening = nullptr;  // of the backend that a tunnel is awaited from
    // The answer is another pool's.
    bool has_found() const { return assets && assets->found(); }
  };
  Aside& aside();
  std::unique_ptr<Aside> aside_;
  bool client_gone_ = false;
  bool leaving_ = false;  // a drain has told it to end
  bool drained_ = false;  // by a drain's deadline (D3); the client may be gone as well
};

}  // namespace sluice::exchange
