// How often a rollout's judge looks. Pure.
#pragma once

#include <algorithm>
#include <chrono>

namespace sluice::rollout {

// Twenty looks at a step, not more than ten a second nor fewer than one.
inline std::chrono::milliseconds looking_interval(std::chrono::milliseconds hold) {
  return std::clamp(hold / 20, std::chrono::milliseconds(100), std::chrono::milliseconds(1000));
}

}  // namespace sluice::rollout
