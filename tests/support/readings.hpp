// Readings of a pool's counters, made up: what a judge is asked about in tests.
#pragma once

#include <cstdint>

#include "control/rollout/window.hpp"

namespace sluice::rollout {

// Counts `n` answers of `micros` each, of which `errors` failed.
inline void answer(Reading& reading, std::uint64_t n, std::uint64_t errors, std::uint64_t micros = 10'000) {
  reading.attempts += n;
  reading.errors += errors;
  reading.latency.buckets[observe::HistogramLayout::index(micros)] += n;
  reading.latency.count += n;
}

inline Reading answered(std::uint64_t n, std::uint64_t errors, std::uint64_t micros = 10'000) {
  Reading reading;
  answer(reading, n, errors, micros);
  return reading;
}

}  // namespace sluice::rollout
