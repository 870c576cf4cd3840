// What is odd about a peer, in points, and the budget of a connection for it: who makes much work for nothing
// is sent away with ENHANCE_YOUR_CALM, whatever the kind of it. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace sluice::h2 {

enum class Glitch : std::uint8_t {
  oddity,        // allowed, and of no use: PRIORITY, unknown frames, needless WINDOW_UPDATE
  empty,         // a frame without content that ends nothing
  refused,       // a stream above the limit
  reset,         // the peer resets streams, more than half of what it opens
  quick_reset,   // likewise, one that it has just opened
  stream_error,  // this side resets a stream for a mistake of the peer's
};
inline constexpr std::size_t kGlitchKinds = 6;

struct GlitchTraits {
  std::string_view name;
  std::uint32_t points;
};
// In the order of Glitch.
inline constexpr GlitchTraits kGlitchTraits[] = {{"oddity", 1}, {"empty", 1},       {"refused", 5},
                                                 {"reset", 1},  {"quick_reset", 2}, {"stream_error", 10}};
static_assert(std::size(kGlitchTraits) == kGlitchKinds);

constexpr std::string_view name_of(Glitch kind) { return kGlitchTraits[static_cast<std::size_t>(kind)].name; }

using GlitchCounts = std::array<std::uint32_t, kGlitchKinds>;

// A token bucket, which runs full by itself.
class TokenBucket {
 public:
  TokenBucket(std::uint32_t size, std::uint32_t per_second) : TokenBucket(size, per_second, size) {}
  TokenBucket(std::uint32_t size, std::uint32_t per_second, std::uint32_t at_first)
      : size_(std::uint64_t{size} * 1000), level_(std::uint64_t{at_first} * 1000), per_second_(per_second) {}
  // False: there were not so many left; then it is empty.
  bool take(std::uint32_t tokens, std::uint64_t now_ms);
  // So many more, as far as the bucket holds them.
  void add(std::uint32_t tokens);

 private:
  std::uint64_t size_, level_;  // thousandths of a token
  static constexpr std::uint64_t kNever = UINT64_MAX;
  std::uint64_t filled_ms_ = kNever;
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
