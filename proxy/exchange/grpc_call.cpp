#include "proxy/exchange/grpc_call.hpp"

#include <algorithm>

#include "proxy/exchange/own_answer.hpp"
#include "proxy/http/grpc.hpp"
#include "proxy/http/text.hpp"

namespace sluice::exchange {

using net::Clock;
using std::chrono::milliseconds;

namespace {

std::optional<milliseconds> timeout_of(const http::RequestHead& head) {
  const http::Field* const field = head.fields.find("grpc-timeout");
  return field ? http::parse_grpc_timeout(field->value) : std::nullopt;
}

}  // namespace

int http_status_of(GrpcStatus status) {
  switch (class_of(status)) {
    case GrpcClass::good:
      return 200;
    case GrpcClass::client_error:
      return 400;
    case GrpcClass::pool_error:
      return 500;
    case GrpcClass::client_abort:
      break;
  }
  return 0;
}

GrpcCall::GrpcCall(net::Poller& poller, net::TimerWheel& wheel, const http::RequestHead& head,
                   Clock::time_point began, upstream::Activity& activity)
    : Deadline(wheel),
      head_(head),
      began_(began),
      activity_(activity),
      timeout_(timeout_of(head)),
      pause_(poller, wheel) {}

// Not less than a millisecond: a limit of 0 would be none.
milliseconds GrpcCall::left() const {
  const auto passed = std::chrono::duration_cast<milliseconds>(Clock::now() - began_);
  return std::max(*timeout_ - passed, milliseconds(1));
}

const config::TimeoutSpec& GrpcCall::begin_attempt(const config::TimeoutSpec& service) {
  timeouts_ = service;
  if (timeout_) timeouts_.response = std::min(timeouts_.response, left());
  early_.reset();
  status_.reset();
  ended_early_ = false;
  pushback_ = milliseconds(0);
  return timeouts_;
}

void GrpcCall::answer_begins() {
  answer_began_ = Clock::now();
  timeouts_.response = std::max(timeouts_.response, timeouts_.tunnel);
  if (timeout_) timeouts_.response = std::min(timeouts_.response, left());
}

bool GrpcCall::is_long() const { return answer_began_ && Clock::now() - began_ >= kLong; }
bool GrpcCall::is_stream() const { return answer_began_ && Clock::now() - *answer_began_ >= kLong; }

void GrpcCall::take_head(const http::ResponseHead& head, std::span<const http::Field> trailers) {
  const std::span<const http::Field> fields(head.fields.begin(), head.fields.size());
  const auto in_trailers = http::grpc_status(trailers);
  early_ = in_trailers ? in_trailers : http::grpc_status(fields);
  ended_early_ = in_trailers || http::is_trailers_only(head);
  if (ended_early_)
    pushback_ = http::grpc_pushback(in_trailers ? trailers : fields).value_or(milliseconds(0));
}

std::optional<GrpcStatus> GrpcCall::failed_at_once() const {
  if (!ended_early_ || early_ == GrpcStatus::ok) return std::nullopt;
  return early_;
}

// A call that ends without a status has ended badly, nobody knows how.
std::optional<GrpcStatus> GrpcCall::attempt_ended(Failure failure, std::span<const http::Field> trailers) {
  status_.reset();
  if (failure && failure.side != Side::upstream)
    return status_;  // the client, the operator or this process ended it
  if (failure && failure.kind != FailureKind::status)
    status_ = answer_for(failure.kind).grpc;
  else
    status_ = early_.value_or(GrpcStatus::unknown);
  if (!failure)
    if (const auto said = http::grpc_status(trailers)) status_ = said;
  return status_;
}

bool GrpcCall::may_push_back() const {
  if (pushback_ < milliseconds(0) || pushback_ > kLongestPushback) return false;
  return !timeout_ || pushback_ < left();
}

Task<void> GrpcCall::wait_pushback() {
  if (pushback_ <= milliseconds(0)) co_return;
  pause_.set_limit(pushback_);
  co_await pause_;
}

std::uint32_t GrpcCall::previous_attempts(int ours) const {
  if (ours <= 0) return 0;
  constexpr std::uint64_t kMost = 1'000'000;
  std::uint64_t before = 0;
  if (const http::Field* const field = head_.fields.find("grpc-previous-rpc-attempts"))
    http::parse_decimal(field->value, kMost, before);
  return static_cast<std::uint32_t>(before) + static_cast<std::uint32_t>(ours);
}

}  // namespace sluice::exchange
