// Bounds of a latency's quantile by order statistics, valid at every look: a value below which provably less
// than the quantile lies is a lower bound (Howard and Ramdas, "Sequential estimation of quantiles with
// applications to A/B testing and best-arm identification", Bernoulli 2022, section 3: the beta-binomial
// bound on the rank of a fixed quantile). Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "proxy/observe/histogram.hpp"

namespace sluice::rollout {

// `per`: how many answers are worth one that is independent of the others (clusters.hpp).
// In microseconds, upper edges of buckets. lower: the quantile is longer than this; nullopt: not yet known.
struct QuantileBounds {
  std::optional<std::uint64_t> lower, upper;
};
QuantileBounds quantile_bounds(const observe::HistogramCounts& latency, double q, double alpha_lower,
                               double alpha_upper, double per = 1);

}  // namespace sluice::rollout
