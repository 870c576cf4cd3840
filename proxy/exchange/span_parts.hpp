// What the spans of a request and of its copy are both made of. Worker only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "proxy/base/network.hpp"
#include "proxy/net/timer_wheel.hpp"
#include "proxy/observe/spans.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::exchange {

observe::SpanId new_span_id(std::uint64_t random);

template <std::size_t N>
std::string_view digits_of(const std::array<char, N>& id) {
  return {id.data(), N};
}

// Unix time in nanoseconds of times of the steady clock, by how the two stand now.
class UnixTimes {
 public:
  UnixTimes();
  std::int64_t of(net::Clock::time_point time) const;

 private:
  std::int64_t offset_;
};

// What a span says of the backend that was asked.
class BackendWords {
 public:
  explicit BackendWords(const route::Backend& backend) : backend_(backend) {}
  BackendWords(const BackendWords&) = delete;
  BackendWords& operator=(const BackendWords&) = delete;

  // The record may be used as long as this lives.
  void add_to(observe::SpanRecord& record);

 private:
  const route::Backend& backend_;
  IpText text_;
};

// The span of a mirrored copy (M1), which may outlive its request.
struct CopySpan {
  observe::SpanRing* ring = nullptr;  // null: it has none
  observe::TraceId trace_id{};
  observe::SpanId span_id{}, parent_id{};
  std::uint8_t flags = 0;

  // What the copy's backend is told. Requires: a ring.
  std::string_view traceparent(char (&storage)[55]) const;
  // The copy has ended; `record` has all but the ids and the times. Requires: a ring.
  void end(observe::SpanRecord record, net::Clock::time_point began) const;
};

}  // namespace sluice::exchange
