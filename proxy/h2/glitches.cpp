#include "proxy/h2/glitches.hpp"

#include <algorithm>

namespace sluice::h2 {

bool TokenBucket::take(std::uint32_t tokens, std::uint64_t now_ms) {
  if (filled_ms_ == kNever) filled_ms_ = now_ms;
  if (now_ms > filled_ms_) {
    const std::uint64_t passed = std::min<std::uint64_t>(now_ms - filled_ms_, size_);  // no overflow
    level_ = std::min(size_, level_ + passed * per_second_);
    filled_ms_ = now_ms;
  }
  const std::uint64_t wanted = std::uint64_t{tokens} * 1000;
  const bool enough = level_ >= wanted;
  level_ = enough ? level_ - wanted : 0;
  return enough;
}

void TokenBucket::add(std::uint32_t tokens) {
  level_ = std::min(size_, level_ + std::uint64_t{tokens} * 1000);
}

bool GlitchBudget::spend(Glitch kind, std::uint64_t now_ms) {
  const auto index = static_cast<std::size_t>(kind);
  ++counts_[index];
  return points_.take(kGlitchTraits[index].points, now_ms);
}

}  // namespace sluice::h2
