#include "proxy/observe/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <random>
#include <thread>

namespace sluice::observe {
namespace {

using Layout = HistogramLayout;

HistogramCounts counts_of(const std::vector<std::uint64_t>& values) {
  const auto histogram = std::make_unique<Histogram>();
  for (const auto v : values) histogram->record(v);
  HistogramCounts counts;
  histogram->add_to(counts);
  return counts;
}

TEST(HistogramLayout, EveryValueLiesInItsBucketAndBucketsTouch) {
  std::uint64_t lower = 0;
  for (std::size_t i = 0; i < Layout::kBuckets; ++i) {
    ASSERT_GE(Layout::upper(i), lower) << i;
    ASSERT_EQ(Layout::index(lower), i);
    ASSERT_EQ(Layout::index(Layout::upper(i)), i);
    lower = Layout::upper(i) + 1;
  }
  EXPECT_EQ(lower, 1ull << 32);
}

TEST(HistogramLayout, LongerThanTheLastBucketCountsInIt) {
  for (const std::uint64_t micros : {1ull << 32, 1ull << 40, ~0ull})
    EXPECT_EQ(Layout::index(micros), Layout::kBuckets - 1);
}

TEST(HistogramLayout, ABucketIsAtMostASixtyFourthWide) {
  for (std::uint64_t v = 1; v < (1ull << 32); v += 1 + v / 50)
    ASSERT_LE(static_cast<double>(Layout::upper(Layout::index(v)) - v), static_cast<double>(v) / 64) << v;
}

TEST(Histogram, CountsAndSums) {
  const auto counts = counts_of({0, 1, 63, 64, 1000, 1'000'000});
  EXPECT_EQ(counts.count, 6u);
  EXPECT_EQ(counts.sum_micros, 1'001'128u);
}

TEST(Histogram, QuantilesAreWithinABucketOfTheExactOnes) {
  const std::uint64_t seed = 17;
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> latency(9, 1.5);
  std::vector<std::uint64_t> values(20'001);
  for (auto& v : values) v = static_cast<std::uint64_t>(latency(random));
  const auto counts = counts_of(values);
  std::ranges::sort(values);
  for (const double q : {0.001, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
    const auto exact =
        values[static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size()))) - 1];
    ASSERT_GE(counts.quantile(q), exact) << "seed " << seed << " q " << q;
    ASSERT_LE(static_cast<double>(counts.quantile(q)), static_cast<double>(exact) * 65 / 64 + 1)
        << "seed " << seed << " q " << q;
  }
}

TEST(Histogram, QuantilesOfFewRecords) {
  EXPECT_EQ(HistogramCounts().quantile(0.5), 0u);
  const auto one = counts_of({40});
  for (const double q : {0.0, 0.5, 1.0}) EXPECT_EQ(one.quantile(q), 40u);
  const auto two = counts_of({10, 20});
  EXPECT_EQ(two.quantile(0.5), 10u);
  EXPECT_EQ(two.quantile(0.51), 20u);
}

TEST(Histogram, AtMostCountsTheBucketOfItsLimit) {
  const auto counts = counts_of({0, 5, 5, 50, 500, 5'000});
  EXPECT_EQ(counts.at_most(0), 1u);
  EXPECT_EQ(counts.at_most(4), 1u);
  EXPECT_EQ(counts.at_most(5), 3u);
  EXPECT_EQ(counts.at_most(499), 4u + (Layout::index(499) == Layout::index(500)));
  EXPECT_EQ(counts.at_most(500), 5u);
  EXPECT_EQ(counts.at_most(~0ull), 6u);
}

TEST(HistogramCounts, AddUpAndTakeAWindowOut) {
  const auto first = counts_of({10, 20}), second = counts_of({30, 30, 40});
  auto sum = first;
  sum += second;
  EXPECT_EQ(sum.count, 5u);
  EXPECT_EQ(sum.sum_micros, 130u);
  EXPECT_EQ(sum.quantile(1), 40u);
  sum -= first;
  EXPECT_EQ(sum.count, 3u);
  EXPECT_EQ(sum.sum_micros, 100u);
  EXPECT_EQ(sum.quantile(0.5), 30u);
  EXPECT_EQ(sum.buckets, second.buckets);
}

TEST(HistogramCounts, TakingOutMoreThanThereIsLeavesNothing) {
  auto counts = counts_of({10});
  counts -= counts_of({10, 10, 20});
  EXPECT_EQ(counts.count, 0u);
  EXPECT_EQ(counts.sum_micros, 0u);
  EXPECT_EQ(counts.quantile(0.99), 0u);
}

// One writer, one reader: what is read only grows and never holds what was not recorded.
TEST(Histogram, AReaderBesideTheWriterSeesOnlyGrowth) {
  const auto histogram = std::make_unique<Histogram>();
  std::atomic<bool> done{false};
  constexpr std::uint64_t kRecords = 300'000;
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < kRecords; ++i) histogram->record(100);
    done = true;
  });
  std::uint64_t last = 0;
  bool grows = true, only_recorded = true;
  while (!done) {
    HistogramCounts counts;
    histogram->add_to(counts);
    grows &= counts.count >= last;
    only_recorded &= counts.count == counts.buckets[Layout::index(100)] && counts.sum_micros % 100 == 0;
    last = counts.count;
  }
  writer.join();
  HistogramCounts counts;
  histogram->add_to(counts);
  EXPECT_TRUE(grows);
  EXPECT_TRUE(only_recorded);
  EXPECT_EQ(counts.count, kRecords);
}

}  // namespace
}  // namespace sluice::observe
