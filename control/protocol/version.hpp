// The version that daemon and CLI name themselves by; the same as in CMakeLists.txt (a test compares them).
#pragma once

#include <string_view>

namespace sluice::protocol {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace sluice::protocol
