#include "proxy/route/shares.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "proxy/observe/live.hpp"
#include "support/shares.hpp"

namespace sluice::route {
namespace {

using config::kWhole;
using config::Share;
using testing::random_shares;

std::vector<std::uint64_t> count_block(const SplitTable& table, std::size_t pools, std::uint64_t seed,
                                       std::uint64_t block) {
  std::vector<std::uint64_t> counts(pools);
  for (std::uint32_t i = 0; i < kBlock; ++i) ++counts[table.pool_at(split_point(seed, block * kBlock + i))];
  return counts;
}

TEST(SplitS2, ZeroGetsNothingAndWholeGetsAll) {
  const std::vector<Share> all_middle = {0, kWhole, 0};
  const SplitTable table(all_middle);
  for (std::uint32_t point = 0; point < kWhole; ++point) ASSERT_EQ(table.pool_at(point), 1u);
}

TEST(SplitS2, TheSmallestShareIsOnePoint) {
  const std::vector<Share> shares = {1, 0, kWhole - 1};
  const SplitTable table(shares);
  EXPECT_EQ(table.pool_at(0), 0u);
  EXPECT_EQ(table.pool_at(1), 2u);
  EXPECT_EQ(table.pool_at(kWhole - 1), 2u);
}

TEST(SplitS3, EveryAlignedBlockHoldsEachShareToWithinOneRequest) {
  const std::uint64_t seed = 20240917;
  std::mt19937_64 random(seed);
  for (int trial = 0; trial < 60; ++trial) {
    const std::size_t pools = 2 + random() % 4;
    const auto shares = random_shares(random, pools);
    const SplitTable table(shares);
    const std::uint64_t sequence_seed = random(), first = random() % 1'000'000;
    for (std::uint64_t block = first; block < first + 30; ++block) {
      const auto counts = count_block(table, pools, sequence_seed, block);
      for (std::size_t i = 0; i < pools; ++i) {
        ASSERT_GE(counts[i], shares[i] / 100) << "seed " << seed << " trial " << trial << " block " << block;
        ASSERT_LE(counts[i], (shares[i] + 99) / 100)
            << "seed " << seed << " trial " << trial << " block " << block;
      }
    }
  }
}

TEST(SplitS3, AHundredBlocksVisitEveryPointOnce) {
  for (const std::uint64_t seed : {0ull, 1ull, 77ull, ~0ull}) {
    for (const std::uint64_t first : {0ull, 300ull, 123'456'700ull}) {
      std::vector<bool> seen(kWhole);
      for (std::uint64_t n = first * kBlock; n < (first + 100) * kBlock; ++n) {
        const auto point = split_point(seed, n);
        ASSERT_LT(point, kWhole);
        ASSERT_FALSE(seen[point]) << "point " << point << " twice, seed " << seed;
        seen[point] = true;
      }
    }
  }
}

TEST(SplitS3, SharesBelowOneInAThousandAreExactOverAHundredBlocks) {
  const std::vector<Share> shares = {kWhole - 7, 7};
  const SplitTable table(shares);
  std::uint64_t canary = 0;
  for (std::uint64_t block = 0; block < 100; ++block) canary += count_block(table, 2, 5, block)[1];
  EXPECT_EQ(canary, 7u);
}

TEST(SplitS3, ExactOnAnyNumberOfThreadsOverOneSequence) {
  const std::vector<Share> shares = {94'990, 5'000, 10};
  const SplitTable table(shares);
  for (const std::size_t workers : {1u, 2u, 5u}) {
    observe::SplitSequence sequence(42);
    std::vector<std::array<std::uint64_t, 3>> counts(workers);
    std::vector<std::thread> threads;
    constexpr std::uint64_t kRequests = 200 * kBlock;
    for (std::size_t w = 0; w < workers; ++w) {
      threads.emplace_back([&, w] {
        for (;;) {
          const auto n = sequence.next.fetch_add(1, std::memory_order_relaxed);
          if (n >= kRequests) return;
          ++counts[w][table.pool_at(split_point(sequence.seed, n))];
        }
      });
    }
    for (auto& thread : threads) thread.join();
    std::array<std::uint64_t, 3> sum{};
    for (const auto& c : counts)
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += c[i];
    EXPECT_EQ(sum, (std::array<std::uint64_t, 3>{189'980, 10'000, 20})) << workers << " workers";
  }
}

TEST(SplitS3, NeitherBlocksNorSeedsRepeatEachOther) {
  const auto order = [](std::uint64_t seed, std::uint64_t block) {
    std::vector<std::uint32_t> points;
    for (std::uint32_t i = 0; i < kBlock; ++i) points.push_back(split_point(seed, block * kBlock + i) / 100);
    return points;
  };
  std::set<std::vector<std::uint32_t>> orders;
  for (std::uint64_t block = 0; block < 500; ++block) orders.insert(order(9, block));
  for (std::uint64_t seed = 10; seed < 510; ++seed) orders.insert(order(seed, 0));
  EXPECT_EQ(orders.size(), 1000u);
  // Two random permutations agree in one place on average.
  double agreements = 0;
  auto previous = order(9, 0);
  for (std::uint64_t block = 1; block <= 500; ++block) {
    auto next = order(9, block);
    for (std::uint32_t i = 0; i < kBlock; ++i) agreements += previous[i] == next[i];
    previous = std::move(next);
  }
  EXPECT_NEAR(agreements / 500, 1.0, 0.2);
}

// A rhythm would show as a distance at which canary requests follow each other far more (or less) often than
// by chance: a page that loads 20 resources must not meet a canary every 20.
TEST(SplitS3, CanaryRequestsHaveNoRhythm) {
  const std::vector<Share> shares = {95'000, 5'000};
  const SplitTable table(shares);
  constexpr std::uint32_t kRequests = 400'000;
  std::vector<char> canary(kRequests);
  for (std::uint32_t n = 0; n < kRequests; ++n) canary[n] = table.pool_at(split_point(3, n)) == 1;
  for (std::uint32_t distance = 1; distance <= 1100; ++distance) {
    double both = 0;
    for (std::uint32_t n = distance; n < kRequests; ++n) both += canary[n] && canary[n - distance];
    const double expected = (kRequests - distance) * 0.05 * 0.05;  // about 1000, deviation about 32
    ASSERT_NEAR(both, expected, 6 * 32) << "distance " << distance;
  }
}

TEST(SplitS3, GapsBetweenCanaryRequestsVaryAsByChance) {
  const std::vector<Share> shares = {95'000, 5'000};
  const SplitTable table(shares);
  std::map<std::uint64_t, int> gaps;
  std::uint64_t last = 0;
  int canaries = 0;
  for (std::uint64_t n = 1; n <= 1'000'000; ++n) {
    if (table.pool_at(split_point(11, n)) != 1) continue;
    ++gaps[n - last];
    last = n;
    ++canaries;
  }
  // Geometric: 5 % of the gaps are 1, and no single gap is common.
  EXPECT_NEAR(gaps[1] / double(canaries), 0.05, 0.005);
  for (const auto& [gap, times] : gaps) EXPECT_LT(times / double(canaries), 0.06) << "gap " << gap;
  EXPECT_GT(gaps.rbegin()->first, 100u);
}

// Over many blocks every place of a block is sent everywhere equally often (chi squared, 999 degrees of
// freedom a place).
TEST(SplitS3, EveryPlaceOfABlockIsSentEverywhere) {
  constexpr int kBlocks = 20'000, kCells = 50;
  for (const std::uint32_t place : {0u, 1u, 39u, 40u, 500u, 999u}) {
    std::vector<int> cells(kCells);
    for (std::uint64_t block = 0; block < kBlocks; ++block)
      ++cells[split_point(1, block * kBlock + place) / (kWhole / kCells)];
    double chi = 0;
    for (const int c : cells)
      chi += (c - kBlocks / kCells) * (c - kBlocks / kCells) / double(kBlocks / kCells);
    EXPECT_LT(chi, 49 + 5 * std::sqrt(2.0 * 49)) << "place " << place;
  }
}

// Neighbouring places of one block go to independent points.
TEST(SplitS3, NeighboursAreIndependent) {
  constexpr int kBlocks = 40'000, kSide = 10;
  for (const std::uint32_t place : {0u, 39u, 511u}) {
    std::vector<int> cells(kSide * kSide);
    for (std::uint64_t block = 0; block < kBlocks; ++block) {
      const auto a = split_point(1, block * kBlock + place) / (kWhole / kSide);
      const auto b = split_point(1, block * kBlock + place + 1) / (kWhole / kSide);
      ++cells[a * kSide + b];
    }
    double chi = 0;
    const double expected = kBlocks / double(kSide * kSide);
    for (const int c : cells) chi += (c - expected) * (c - expected) / expected;
    EXPECT_LT(chi, 99 + 5 * std::sqrt(2.0 * 99)) << "place " << place;
  }
}

}  // namespace
}  // namespace sluice::route
