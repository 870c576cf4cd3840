// What is odd about a peer, in points, and the budget of a connection for it: who makes much work for nothing
// is sent away with ENHANCE_YOUR_CALM, whatever the kind of it. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::h2 {

enum class Glitch : std::uint8_t {
  oddity,        // allowed, and of no use: PRIORITY, unknown frames, needless WINDOW_UPDATE
  empty,         // a frame without content that ends nothing
  refused,       // a stream above the limit
  reset,         // the peer resets a stream
  quick_reset,   // one that it has just opened
  stream_error,  // this side resets a stream for a mistake of the peer's
};
inline constexpr std::size_t kGlitchKinds = 6;
std::string_view name_of(Glitch kind);

using GlitchCounts = std::array<std::uint32_t, kGlitchKinds>;

// A token bucket: it begins full, and runs full again.
class TokenBucket {
 public:
  TokenBucket(std::uint32_t size, std::uint32_t per_second)
      : size_(std::uint64_t{size} * 1000), level_(size_), per_second_(per_second) {}
  // False: there were not so many left; then it is empty.
  bool take(std::uint32_t tokens, std::uint64_t now_ms);

 private:
  std::uint64_t size_, level_;  // thousandths of a token
  std::uint64_t filled_ms_ = 0;
  std::uint32_t per_second_;
};

class GlitchBudget {
 public:
  GlitchBudget(std::uint32_t points, std::uint32_t per_second) : points_(points, per_second) {}
  // Counts it. False: the budget is spent.
  bool spend(Glitch kind, std::uint64_t now_ms);
  const GlitchCounts& counts() const { return counts_; }

 private:
  TokenBucket points_;
  GlitchCounts counts_{};
};

}  // namespace sluice::h2
