// The version that daemon and CLI name themselves by; the same as in CMakeLists.txt (a test compares them).
#pragma once

#include <string_view>

namespace sluice::protocol {

inline constexpr std::string_view kVersion = "0.1.0";
// Of that version, on manual pages and in the package's changelog.
inline constexpr std::string_view kVersionDate = "2026-11-28";

}  // namespace sluice::protocol
