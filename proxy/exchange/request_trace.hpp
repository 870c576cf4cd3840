// The spans of one request where tracing is on: one of its own, one of each attempt. What they are made of is
// remembered until the request ends, since only its end says whether it is told of. Worker only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/base/failure.hpp"
#include "proxy/base/frames.hpp"
#include "proxy/base/grpc_status.hpp"
#include "proxy/exchange/attempts.hpp"
#include "proxy/exchange/forwarding.hpp"
#include "proxy/exchange/plan.hpp"
#include "proxy/exchange/span_parts.hpp"
#include "proxy/observe/access_record.hpp"

namespace sluice::exchange {

// How a request or an attempt came out.
struct Outcome {
  Failure failure;
  int status = 0;                  // of the answer; 0: there was none
  std::optional<GrpcStatus> grpc;  // of a call that has one
};

class RequestTrace {
 public:
  // By the client's traceparent where there is one, else a trace that begins here.
  RequestTrace(const observe::Tracing& tracing, const http::RequestHead& head, const RequestId& id);
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }

  // An attempt begins, to `to` of `pool`, which live as long as the plan's view.
  void attempt_began(std::uint64_t random, const upstream::WorkerPool& pool, const route::Backend& to);
  void attempt_ended(const Outcome& outcome);
  // What the backend is told; empty: the client's own word goes on, which says that nobody traces. Valid
  // until the next call. Requires: an attempt.
  std::string_view traceparent();
  // A copy beside the attempt; of a trace that is not sampled none.
  CopySpan copy(std::uint64_t random) const;

  // Whether the spans of a request that ended so are told of.
  bool is_told(const Outcome& outcome) const;
  // The request ended, and its spans go. `record` has what the access log knows of it. Requires: is_told().
  void end(const Plan& plan, const client::ClientStream& client, net::Clock::time_point began,
           const observe::AccessRecord& record, const Outcome& outcome);

 private:
  struct Attempt {
    observe::SpanId span_id;
    net::Clock::time_point began, ended;
    const upstream::WorkerPool* pool;
    const route::Backend* to;
    Outcome outcome;
  };

  observe::SpanRecord span_of(const Plan& plan, const client::ClientStream& client) const;
  void push_attempts(const observe::SpanRecord& common, const Plan& plan, const UnixTimes& times) const;

  const observe::Tracing tracing_;
  observe::TraceId trace_id_;
  observe::SpanId span_id_, parent_id_;
  bool has_parent_ = false;
  std::uint8_t flags_ = 0;
  std::string_view trace_state_;                   // in the request's head
  std::size_t count_ = 0;                          // of attempts
  char told_[55];                                  // the backend: a traceparent
  std::array<Attempt, Attempts::kMost> attempts_;  // the first count_
};

}  // namespace sluice::exchange
