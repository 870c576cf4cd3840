// What a caller of the admin API may do; each role may all that the one before it may. Pure.
#pragma once

#include <cstdint>

namespace sluice {

enum class Role : std::uint8_t { none, viewer, operate, admin };

}  // namespace sluice
