#include "control/rollout/window_starts.hpp"

namespace sluice::rollout {
namespace {

std::uint64_t lifetime(std::uint64_t number) { return WindowStarts::kKept * (number & (~number + 1)); }

}  // namespace

void WindowStarts::record(const Reading& began, const Reading& canary, const Reading& stable) {
  const std::uint64_t since = starts_.empty() ? began.attempts : starts_.back().canary.attempts;
  if (canary.attempts < since + kApart) return;
  ++last_;
  std::erase_if(starts_, [this](const Start& old) { return old.number + lifetime(old.number) < last_; });
  starts_.push_back({last_, canary, stable});
}

}  // namespace sluice::rollout
