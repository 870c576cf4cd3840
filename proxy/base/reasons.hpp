// The words of X-Sluice-Error: why the proxy answered a request itself. Each is a label of
// sluice_requests_refused_total, so a new one belongs into this list.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace sluice {

inline constexpr std::array<std::string_view, 21> kRefusalReasons = {
    // what the request is
    "malformed", "target", "headers", "method", "version", "coding", "expect", "misdirected", "plain_http",
    // where it goes and what it costs
    "no_route", "body", "limit", "timeout",
    // the service and its backends
    "paused", "stopped", "overload", "no_backend", "connect", "reset", "protocol", "upgrade"};

// kRefusalReasons.size() when it is none of them.
constexpr std::size_t reason_index(std::string_view reason) {
  for (std::size_t i = 0; i < kRefusalReasons.size(); ++i)
    if (kRefusalReasons[i] == reason) return i;
  return kRefusalReasons.size();
}

}  // namespace sluice
