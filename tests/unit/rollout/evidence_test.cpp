// G5: what counts prove, and that looking often is paid for.
#include "control/rollout/evidence.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sluice::rollout {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kAny = 1;  // an alpha that any evidence reaches

// ln of the beta-binomial mixture, summed over alternatives by hand: the reference for the closed form.
double mixture(Tally tally, double limit, double from, double to, double shape) {
  constexpr int kSteps = 50'000;
  double weight = 0;
  const auto likelihood = [&](double p) {
    return static_cast<double>(tally.k) * std::log(p) +
           static_cast<double>(tally.n - tally.k) * std::log1p(-p);
  };
  double sum = 0;
  const double at = likelihood(limit);
  for (int i = 0; i < kSteps; ++i) {
    const double p = from + (to - from) * (i + 0.5) / kSteps;
    const double density = std::pow(1 - p, shape - 1);
    weight += density;
    sum += density * std::exp(likelihood(p) - at);
  }
  return std::log(sum / weight);
}

TEST(Evidence, IsTheMixtureOfLikelihoodRatiosBeyondTheLimit) {
  for (const double limit : {0.01, 0.05, 0.3, 0.9})
    for (const Tally tally : {Tally{1, 0}, Tally{1, 1}, Tally{20, 1}, Tally{300, 18}, Tally{100, 95}}) {
      EXPECT_NEAR(evidence_above(tally, limit), mixture(tally, limit, limit, 1, 1 / (2 * limit)), 2e-3)
          << limit << " " << tally.n << " " << tally.k;
      EXPECT_NEAR(evidence_below(tally, limit), mixture(tally, limit, 0, limit, 1), 2e-3)
          << limit << " " << tally.n << " " << tally.k;
    }
}

// Ville: the expectation of an e-process is 1 after any number of trials, summed over all outcomes exactly.
TEST(Evidence, HasExpectationOneUnderItsHypothesis) {
  for (const double rate : {0.01, 0.05, 0.4})
    for (const int n : {1, 7, 60}) {
      double above = 0, below = 0;
      for (int k = 0; k <= n; ++k) {
        const double chance =
            std::exp(std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0) +
                     k * std::log(rate) + (n - k) * std::log1p(-rate));
        const Tally tally{static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(k)};
        above += chance * std::exp(evidence_above(tally, rate));
        below += chance * std::exp(evidence_below(tally, rate));
      }
      EXPECT_NEAR(above, 1, 1e-9) << rate << " " << n;
      EXPECT_NEAR(below, 1, 1e-9) << rate << " " << n;
    }
}

TEST(Evidence, OneErrorInTwentyProvesNothing) {  // G5
  EXPECT_LT(evidence_above({20, 1}, 0.01), threshold(0.05));
  EXPECT_LT(evidence_below({20, 1}, 0.05), threshold(0.05));
}

TEST(Evidence, NoTrialsAreNone) {
  EXPECT_EQ(evidence_above({}, 0.05), -kInfinity);
  EXPECT_EQ(evidence_below({}, 0.05), -kInfinity);
  EXPECT_FALSE(increased({}, {100, 1}, 0.01, kAny));
  EXPECT_FALSE(increased({100, 90}, {}, 0.01, kAny));
  EXPECT_FALSE(not_increased({100, 0}, {}, 0.01, kAny));
}

TEST(Evidence, LimitsAtTheEnds) {
  EXPECT_EQ(evidence_above({20, 0}, 0), -kInfinity);
  EXPECT_EQ(evidence_above({20, 1}, 0), kInfinity);  // no error at all is allowed
  EXPECT_EQ(evidence_below({1'000'000, 0}, 0), -kInfinity);
  EXPECT_EQ(evidence_above({20, 20}, 1), -kInfinity);
  EXPECT_EQ(evidence_below({20, 20}, 1), -kInfinity);
  EXPECT_EQ(evidence_below({20, 19}, 1), kInfinity);
  EXPECT_EQ(evidence_above({20, 20}, kNan), -kInfinity);
  EXPECT_EQ(evidence_below({20, 0}, kNan), -kInfinity);
  EXPECT_FALSE(increased({20, 20}, {20, 0}, kNan, kAny));
}

TEST(Evidence, MoreEventsThanTrialsAreReadAsTrials) {
  EXPECT_EQ(evidence_above({20, 25}, 0.1), evidence_above({20, 20}, 0.1));
  EXPECT_EQ(evidence_below({20, 25}, 0.1), evidence_below({20, 20}, 0.1));
}

TEST(Evidence, HoldsAtHugeCounts) {
  constexpr std::uint64_t kMany = 1'000'000'000'000'000;
  EXPECT_GT(evidence_above({kMany, kMany / 10}, 0.05), 100);
  EXPECT_GT(evidence_below({kMany, kMany / 100}, 0.05), 100);
  EXPECT_LT(evidence_above({kMany, kMany / 100}, 0.05), 0);
  EXPECT_LT(evidence_below({kMany, kMany / 10}, 0.05), 0);
  EXPECT_LT(evidence_above({kMany, kMany / 20}, 0.05), 0);
  EXPECT_TRUE(increased({kMany, kMany / 10}, {kMany, kMany / 20}, 0.01, std::exp(-100)));
  EXPECT_FALSE(increased({kMany, kMany / 20}, {kMany, kMany / 20}, 0.01, kAny));
  EXPECT_TRUE(not_increased({kMany, kMany / 20}, {kMany, kMany / 20}, 0.01, std::exp(-100)));
  const Bounds bounds = rate_bounds({kMany, kMany / 20}, 0.001, 0.001);
  EXPECT_NEAR(bounds.lower, 0.05, 1e-5);
  EXPECT_NEAR(bounds.upper, 0.05, 1e-5);
}

TEST(Evidence, GrowsWithTheEventsAndFallsWithTheLimit) {
  double last = -kInfinity;
  for (std::uint64_t k = 0; k <= 100; ++k) {
    const double now = evidence_above({100, k}, 0.05);
    EXPECT_GT(now, last) << k;
    EXPECT_GE(evidence_above({100, k}, 0.04), now) << k;
    last = now;
  }
}

TEST(Bounds, HoldTheRateAndAreDecidedByTheSameEvidence) {
  for (const Tally tally : {Tally{20, 1}, Tally{500, 5}, Tally{10'000, 600}, Tally{40, 40}, Tally{40, 0}}) {
    const Bounds bounds = rate_bounds(tally, 0.001, 0.05);
    EXPECT_LE(bounds.lower, tally.rate());
    EXPECT_GE(bounds.upper, tally.rate());
    if (bounds.lower > 1e-5) {
      EXPECT_GE(evidence_above(tally, bounds.lower - 1e-5), threshold(0.001));
      EXPECT_LT(evidence_above(tally, bounds.lower + 1e-5), threshold(0.001));
    }
    if (bounds.upper < 1 - 1e-5) {
      EXPECT_GE(evidence_below(tally, bounds.upper + 1e-5), threshold(0.05));
      EXPECT_LT(evidence_below(tally, bounds.upper - 1e-5), threshold(0.05));
    }
  }
}

TEST(Bounds, OfADifferenceHoldItAndShrinkWithTheTraffic) {
  double wide = 3;
  for (const std::uint64_t n : {100u, 1'000u, 10'000u, 100'000u}) {
    const Bounds bounds = difference_bounds({n, n / 20}, {n * 19, n * 19 / 100}, 0.001, 0.05);
    EXPECT_LT(bounds.lower, 0.04);
    EXPECT_GT(bounds.upper, 0.04);
    EXPECT_LT(bounds.upper - bounds.lower, wide);
    wide = bounds.upper - bounds.lower;
  }
  EXPECT_LT(wide, 0.008);
}

TEST(Difference, AnIncreaseIsProvenAndItsAbsenceToo) {
  const Tally stable{9'500, 95};
  EXPECT_TRUE(increased({500, 40}, stable, 0.01, 0.001));
  EXPECT_FALSE(not_increased({500, 40}, stable, 0.01, 0.05));
  EXPECT_TRUE(not_increased({3'000, 30}, stable, 0.01, 0.05));
  EXPECT_FALSE(increased({3'000, 30}, stable, 0.01, 0.001));
  EXPECT_FALSE(increased({20, 1}, stable, 0.01, 0.001));
}

TEST(Difference, BetweenEqualPoolsIsSymmetric) {
  EXPECT_FALSE(increased({5'000, 250}, {5'000, 250}, 0, 0.01));
  EXPECT_TRUE(increased({5'000, 400}, {5'000, 250}, 0, 0.001));
  EXPECT_TRUE(not_increased({5'000, 250}, {5'000, 400}, 0, 0.001));
}

TEST(Difference, StableWithoutAnErrorAndWithNothingButErrors) {
  EXPECT_TRUE(not_increased({1'000, 0}, {19'000, 0}, 0.01, 0.05));
  EXPECT_TRUE(increased({100, 20}, {1'900, 0}, 0.01, 0.001));
  EXPECT_FALSE(increased({100, 100}, {1'900, 1'900}, 0.01, 0.05));
  EXPECT_TRUE(not_increased({100, 99}, {1'900, 1'900}, 0.01, 0.05));
}

}  // namespace
}  // namespace sluice::rollout
