// "2026-11-22T22:37:05.123Z" (RFC 3339).
#pragma once

#include <chrono>
#include <string>

namespace sluice::admin {

std::string time_text(std::chrono::system_clock::time_point time);

}  // namespace sluice::admin
