#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::io {

// Retry-After (RFC 9110 section 10.2.3): seconds, or a date; a week at most, and a date that is past none.
// Nothing when it is neither. `now`: seconds since 1970.
std::optional<std::chrono::seconds> read_retry_after(std::string_view text, std::int64_t now);

}  // namespace sluice::io
