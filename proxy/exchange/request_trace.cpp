#include "proxy/exchange/request_trace.hpp"

#include <algorithm>
#include <cstring>

#include "proxy/exchange/own_answer.hpp"
#include "proxy/http/trace.hpp"

namespace sluice::exchange {

using net::Clock;
using observe::SpanRecord;

namespace {

template <std::size_t N>
void copy_digits(std::string_view digits, std::array<char, N>& into) {
  std::memcpy(into.data(), digits.data(), N);
}

bool is_error(GrpcStatus status) { return class_of(status) == GrpcClass::pool_error; }

// As the pool's counters take it; a client that left says nothing.
bool has_failed(const Outcome& outcome) {
  if (outcome.grpc && is_error(*outcome.grpc)) return true;
  if (outcome.status >= 500) return true;
  return outcome.failure && outcome.failure.kind != FailureKind::status &&
         answer_for(outcome.failure.kind).status >= 500;
}

// A status says itself why.
std::string_view error_of(const Outcome& outcome) {
  if (!outcome.failure || outcome.failure.kind == FailureKind::status) return {};
  return answer_for(outcome.failure.kind).reason;
}

void add_outcome(const Outcome& outcome, SpanRecord& record) {
  record.status = static_cast<std::uint16_t>(outcome.status);
  record.failed = has_failed(outcome);
  record.error = error_of(outcome);
  if (outcome.grpc) record.grpc_status = static_cast<std::int8_t>(*outcome.grpc);
}

}  // namespace

RequestTrace::RequestTrace(const observe::Tracing& tracing, const http::RequestHead& head,
                           const RequestId& id)
    : tracing_(tracing), span_id_(new_span_id(id.random[2])) {
  const http::Field* field = http::only_field(head.fields, http::Header::traceparent);
  const auto parent = field ? http::read_traceparent(field->value) : std::nullopt;
  if (parent) {
    has_parent_ = true;
    flags_ = parent->flags;
    copy_digits(parent->trace_id, trace_id_);
    copy_digits(parent->span_id, parent_id_);
    if (const auto* state = http::only_field(head.fields, http::Header::tracestate))
      trace_state_ = state->value;
  } else {
    // One word finds both: the digits are the request id's, if that was made here.
    char digits[32];
    copy_digits(http::make_request_id(id.random, digits), trace_id_);
    flags_ = observe::is_sampled(id.random[1], tracing.ratio) ? http::TraceParent::kSampled : 0;
  }
}

void RequestTrace::attempt_began(std::uint64_t random, const upstream::WorkerPool& pool,
                                 const route::Backend& to) {
  const std::size_t place = std::min(count_, attempts_.size() - 1);
  count_ = place + 1;
  attempts_[place] = {new_span_id(random), Clock::now(), {}, &pool, &to, {}};
}

void RequestTrace::attempt_ended(const Outcome& outcome) {
  if (count_ == 0) return;
  attempts_[count_ - 1].ended = Clock::now();
  attempts_[count_ - 1].outcome = outcome;
}

std::string_view RequestTrace::traceparent() {
  if (has_parent_ && (flags_ & http::TraceParent::kSampled) == 0) return {};
  return http::write_traceparent({digits_of(trace_id_), digits_of(attempts_[count_ - 1].span_id), flags_},
                                 told_);
}

CopySpan RequestTrace::copy(std::uint64_t random) const {
  if ((flags_ & http::TraceParent::kSampled) == 0) return {};
  return {tracing_.ring, trace_id_, new_span_id(random), span_id_, flags_};
}

bool RequestTrace::is_told(const Outcome& outcome) const {
  if ((flags_ & http::TraceParent::kSampled) != 0) return true;
  if (!tracing_.errors) return false;
  const auto failed = [](const Attempt& attempt) { return has_failed(attempt.outcome); };
  return has_failed(outcome) || std::any_of(attempts_.begin(), attempts_.begin() + count_, failed);
}

// What all spans of the request have in common.
SpanRecord RequestTrace::span_of(const Plan& plan, const client::ClientStream& client) const {
  SpanRecord record;
  record.trace_id = trace_id_;
  record.flags = flags_;
  record.generation = plan.view->snapshot->generation;
  record.is_grpc = client.head().is_grpc;
  record.method = client.head().method;
  record.path = client.head().path;
  if (plan.service) record.service = plan.spec().name;
  return record;
}

void RequestTrace::end(const Plan& plan, const client::ClientStream& client, Clock::time_point began,
                       const observe::AccessRecord& record, const Outcome& outcome) {
  const UnixTimes times;
  const SpanRecord common = span_of(plan, client);
  SpanRecord server = common;
  server.span_id = span_id_;
  server.parent_id = parent_id_;
  server.has_parent = has_parent_;
  server.began = times.of(began);
  server.ended = times.of(Clock::now());
  add_outcome(outcome, server);
  server.bytes_in = record.bytes_in;
  server.bytes_out = record.bytes_out;
  server.attempts = record.attempts;
  server.pool = record.pool;
  server.scheme = record.scheme;
  server.host = record.host;
  server.client = record.client;
  server.protocol = record.protocol;
  server.user_agent = record.user_agent;
  server.request_id = record.request_id;
  server.decision = record.sticky;
  server.trace_state = trace_state_;
  server.peer = client.info().peer_address;
  const route::RouteTable& routes = *plan.view->snapshot->routes;
  if (const auto match = routes.find(client.head_as_sent())) server.route = routes.path(match->route);
  tracing_.ring->push(server);
  push_attempts(common, plan, times);
}

void RequestTrace::push_attempts(const SpanRecord& common, const Plan& plan, const UnixTimes& times) const {
  for (std::size_t i = 0; i < count_; ++i) {
    const Attempt& attempt = attempts_[i];
    BackendWords words(*attempt.to);
    SpanRecord record = common;
    record.kind = SpanRecord::Kind::client;
    record.span_id = attempt.span_id;
    record.parent_id = span_id_;
    record.has_parent = true;
    record.began = times.of(attempt.began);
    record.ended = times.of(attempt.ended);
    add_outcome(attempt.outcome, record);
    record.attempts = static_cast<std::uint16_t>(i + 1);
    record.pool = attempt.pool->pool->name;
    record.is_rescue = attempt.pool != plan.chosen;
    words.add_to(record);
    tracing_.ring->push(record);
  }
}

}  // namespace sluice::exchange
