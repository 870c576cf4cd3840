#include "proxy/exchange/span_parts.hpp"

#include <chrono>

#include "proxy/http/trace.hpp"

namespace sluice::exchange {

using net::Clock;
using std::chrono::duration_cast;
using std::chrono::nanoseconds;

observe::SpanId new_span_id(std::uint64_t random) {
  char digits[16];
  http::write_span_id(random, digits);
  return std::to_array(digits);
}

UnixTimes::UnixTimes() {
  const auto unix_time = std::chrono::system_clock::now().time_since_epoch();
  const auto steady = Clock::now().time_since_epoch();
  offset_ = duration_cast<nanoseconds>(unix_time).count() - duration_cast<nanoseconds>(steady).count();
}

std::int64_t UnixTimes::of(Clock::time_point time) const {
  return duration_cast<nanoseconds>(time.time_since_epoch()).count() + offset_;
}

void BackendWords::add_to(observe::SpanRecord& record) {
  record.backend = backend_.name;
  record.authority = backend_.authority;
  if (backend_.endpoints.empty()) return;
  const route::Endpoint& endpoint = backend_.good();
  record.peer = endpoint.path.empty() ? format_ip(endpoint.ip, text_) : std::string_view(endpoint.path);
}

std::string_view CopySpan::traceparent(char (&storage)[55]) const {
  return http::write_traceparent({digits_of(trace_id), digits_of(span_id), flags}, storage);
}

void CopySpan::end(observe::SpanRecord record, Clock::time_point began) const {
  const UnixTimes times;
  record.kind = observe::SpanRecord::Kind::client;
  record.trace_id = trace_id;
  record.span_id = span_id;
  record.parent_id = parent_id;
  record.has_parent = true;
  record.flags = flags;
  record.is_copy = true;
  record.began = times.of(began);
  record.ended = times.of(Clock::now());
  ring->push(record);
}

}  // namespace sluice::exchange
