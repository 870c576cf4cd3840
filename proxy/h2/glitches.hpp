// What is odd about a peer, in points, and the budget of a connection for it: who makes much work for nothing
// is sent away (ENHANCE_YOUR_CALM), whatever the kind of it. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::h2 {

enum class Glitch : std::uint8_t {
  oddity,         // allowed, and of no use: unknown frames, PRIORITY, a window made larger for nothing
  control,        // PING or SETTINGS that are to be answered
  empty,          // DATA without data or end
  refused,        // a stream above the limit
  quick_reset,    // the peer resets a stream that it has just opened
  reset,          // the peer resets a stream
  stream_error,   // this side resets a stream for a mistake of the peer's
};
constexpr std::size_t kGlitchKinds = 7;
std::string_view name_of(Glitch kind);

using GlitchCounts = std::array<std::uint32_t, kGlitchKinds>;

}  // namespace sluice::h2
