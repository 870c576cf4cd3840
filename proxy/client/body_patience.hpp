// How long the next piece of a request's body may take. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "proxy/config/spec.hpp"

namespace sluice::client {

// body_timeout, unless what has come is less than min_body_rate's worth of the time that was spent waiting
// for it: a byte now and then holds no stream. 0: no longer.
inline std::chrono::milliseconds body_patience(const config::ListenerSpec& spec, std::uint64_t came,
                                               std::chrono::milliseconds waited) {
  using std::chrono::milliseconds;
  if (spec.min_body_rate == 0) return spec.body_timeout;
  const auto earned = milliseconds(came * 1000 / spec.min_body_rate);
  return std::clamp<milliseconds>(spec.body_timeout + earned - waited, milliseconds(0), spec.body_timeout);
}

}  // namespace sluice::client
