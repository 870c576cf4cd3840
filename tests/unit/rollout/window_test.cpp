// G4: what is counted of a pool, and what came between two readings of it.
#include "control/rollout/window.hpp"

#include <gtest/gtest.h>

#include "control/rollout/quantile.hpp"
#include "support/readings.hpp"

namespace sluice::rollout {
namespace {

TEST(Reading, AddsUpTheWorkersAndLeavesOutWhatHasNoOutcome) {
  observe::PoolLive pool(2);
  for (std::size_t i = 0; i < pool.per_worker.size(); ++i) {
    auto& worker = pool.per_worker[i];
    worker.requests.add(10);  // two under way, one aborted before an answer
    worker.in_flight.add(2);
    worker.aborted.add(1);
    worker.by_class[2].add(5);
    worker.by_class[5].add(2);
    worker.errors.add(2);
    worker.duration.record(1'000);
  }
  const Reading reading = read(pool);
  EXPECT_EQ(reading.attempts, 14u);
  EXPECT_EQ(reading.errors, 4u);
  EXPECT_EQ(reading.in_flight, 4u);
  EXPECT_EQ(reading.latency.count, 2u);
}

TEST(Window, IsTheDifference) {
  const Reading earlier = answered(1'000, 40, 20'000);
  Reading later = earlier;
  answer(later, 90, 3, 20'000);
  answer(later, 10, 0, 500'000);
  const Window window(earlier, later);
  EXPECT_EQ(window.errors(), (Tally{100, 3}));
  EXPECT_EQ(window.slower(20'000), (Tally{100, 10}));
  EXPECT_EQ(window.slower(600'000), (Tally{100, 0}));
  EXPECT_EQ(window.slower(0), (Tally{100, 100}));
  EXPECT_EQ(window.latency().count, 100u);
  EXPECT_NEAR(static_cast<double>(window.latency().quantile(0.5)), 20'000, 20'000 / 64.0);
}

TEST(Window, OfCountersThatWentBackwardsIsEmpty) {
  const Reading earlier = answered(1'000, 40), later = answered(900, 40), fewer_errors = answered(2'000, 39);
  for (const Reading* one : {&later, &fewer_errors}) {
    const Window window(earlier, *one);
    EXPECT_TRUE(went_back(earlier, *one));
    EXPECT_EQ(window.errors(), Tally{});
    EXPECT_EQ(window.answers(), 0u);
    EXPECT_EQ(window.slower(5), Tally{});
    EXPECT_EQ(window.latency().count, 0u);
  }
}

// A reading in the middle of a worker's two steps.
TEST(Window, NeverHasMoreErrorsThanAttempts) {
  Reading later = answered(10, 10);
  ++later.errors;
  const Reading earlier;
  EXPECT_EQ(Window(earlier, later).errors(), (Tally{10, 10}));
}

TEST(QuantileBounds, HoldTheQuantileAndNarrow) {
  Reading reading;
  std::uint64_t width = ~0ull;
  for (std::uint64_t rounds = 1; rounds <= 10'000; rounds *= 10) {
    for (std::uint64_t i = 1; i <= 1'000; ++i) answer(reading, rounds, 0, i * 1'000);
    const QuantileBounds bounds = quantile_bounds(reading.latency, 0.95, 0.001, 0.001);
    ASSERT_TRUE(bounds.lower && bounds.upper);
    EXPECT_LE(*bounds.lower, 950'000u);
    EXPECT_GE(*bounds.upper, 950'000u);
    EXPECT_LE(*bounds.upper - *bounds.lower, width);
    width = *bounds.upper - *bounds.lower;
  }
  EXPECT_LE(width, 2 * 950'000u / 64 + 2'000);  // two buckets
}

TEST(QuantileBounds, OfLittleAreOpen) {
  EXPECT_FALSE(quantile_bounds({}, 0.95, 0.001, 0.05).lower);
  const QuantileBounds bounds = quantile_bounds(answered(5, 0).latency, 0.95, 0.001, 0.05);
  EXPECT_FALSE(bounds.upper);
}

}  // namespace
}  // namespace sluice::rollout
