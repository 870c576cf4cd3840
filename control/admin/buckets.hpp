// What a histogram of Prometheus says of recorded times: counts at a few bounds, made of the finer ones that
// workers count in. Pure.
#pragma once

#include <array>
#include <cstdint>

#include "proxy/observe/live.hpp"

namespace sluice::admin {

// The upper bounds of the exposed histograms in seconds, as OpenTelemetry's for http.server.request.duration.
inline constexpr std::array kBounds = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                       0.5,   0.75, 1.0,   2.5,  5.0,   7.5, 10.0};

struct Buckets {
  std::array<std::uint64_t, kBounds.size()> at_most{};  // cumulative, at kBounds
  std::uint64_t count = 0;
  std::uint64_t sum_micros = 0;

  Buckets& operator+=(const Buckets& other);
};

// Of a pool, over all workers.
Buckets durations_of(const observe::PoolLive& pool);

}  // namespace sluice::admin
