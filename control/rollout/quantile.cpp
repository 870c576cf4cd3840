#include "control/rollout/quantile.hpp"

#include <algorithm>
#include <ranges>
#include <vector>

#include "control/rollout/evidence.hpp"

namespace sluice::rollout {
namespace {

using Layout = observe::HistogramLayout;

// Of each bucket's upper edge, how many answers took longer.
std::vector<Tally> slower_than_buckets(const observe::HistogramCounts& latency, double per) {
  std::vector<Tally> tallies(latency.buckets.size());
  std::uint64_t left = latency.count;
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    left -= std::min(left, latency.buckets[i]);
    tallies[i] = {latency.count, left, per};
  }
  return tallies;
}

}  // namespace

QuantileBounds quantile_bounds(const observe::HistogramCounts& latency, double q, double alpha_lower,
                               double alpha_upper, double per) {
  QuantileBounds bounds;
  if (latency.count == 0) return bounds;
  const auto tallies = slower_than_buckets(latency, per);
  // The further up, the fewer are slower: both questions turn once.
  const auto longer = std::ranges::partition_point(
      tallies, [&](Tally tally) { return evidence_above(tally, 1 - q) >= threshold(alpha_lower); });
  if (longer != tallies.begin())
    bounds.lower = Layout::upper(static_cast<std::size_t>(longer - tallies.begin()) - 1);
  const auto shorter = std::ranges::partition_point(
      tallies, [&](Tally tally) { return evidence_below(tally, 1 - q) < threshold(alpha_upper); });
  if (shorter != tallies.end())
    bounds.upper = Layout::upper(static_cast<std::size_t>(shorter - tallies.begin()));
  return bounds;
}

}  // namespace sluice::rollout
