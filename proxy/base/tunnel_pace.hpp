// How a pace of long connections is written: "paced:20/s". Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

inline constexpr std::uint32_t kFastestPace = 100'000;  // connections a second

// Nothing when it is no pace: 1 to kFastestPace a second.
std::optional<std::uint32_t> parse_pace(std::string_view text);
std::string pace_text(std::uint32_t per_second);

}  // namespace sluice
