// What a collector's answer means for a batch. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "control/io/http_client.hpp"

namespace sluice::tracing {

enum class Next : std::uint8_t { taken, again, lost };

struct Verdict {
  Next next = Next::lost;
  std::chrono::seconds wait{0};  // before the next try
  std::string why;               // it was not taken: a clause
};

constexpr int kMostTries = 5;                     // of a batch
constexpr std::chrono::seconds kLongestWait{60};  // between two of them, whatever Retry-After says

// After the batch's try number `tries`, from 1. It is sent again only after 429, 502, 503 and 504 (OTLP 1.x,
// "Retryable Response Codes"): who cannot be reached has nothing of it, and later spans are worth as much.
// `now`: seconds since 1970.
Verdict judge(const io::HttpAnswer& answer, int tries, std::int64_t now);

}  // namespace sluice::tracing
