// What every line of the access log has, whether its request went its way or was refused unread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "proxy/http/message.hpp"
#include "proxy/net/timer_wheel.hpp"
#include "proxy/observe/access_record.hpp"

namespace sluice::client {

inline std::uint64_t micros(net::Clock::duration time) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

// When it began, and how long it took until now.
inline void set_times(net::Clock::time_point began, observe::AccessRecord& line) {
  const std::uint64_t took = micros(net::Clock::now() - began);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  line.wall_micros =
      std::chrono::duration_cast<std::chrono::microseconds>(now).count() - static_cast<std::int64_t>(took);
  line.duration_micros = static_cast<std::uint32_t>(std::min<std::uint64_t>(took, UINT32_MAX));
}

inline void add_fields(const http::Fields& fields, observe::AccessRecord& line) {
  if (const http::Field* agent = fields.find("user-agent")) line.user_agent = agent->value;
  if (const http::Field* referer = fields.find("referer")) line.referer = referer->value;
}

}  // namespace sluice::client
