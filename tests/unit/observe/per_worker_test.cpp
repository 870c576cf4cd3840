#include "proxy/observe/per_worker.hpp"

#include <gtest/gtest.h>

#include "proxy/observe/live.hpp"

namespace sluice::observe {
namespace {

TEST(PerWorker, HasASetOnlyForWorkersThatCounted) {
  PerWorker<PoolCounters> counters(3);
  EXPECT_EQ(counters.begin(), counters.end());
  counters[2].requests.add(5);
  EXPECT_EQ(std::distance(counters.begin(), counters.end()), 1);
  counters[0].requests.add(1);
  EXPECT_EQ(std::distance(counters.begin(), counters.end()), 2);
  EXPECT_EQ(counters.size(), 3u);
  std::uint64_t sum = 0;
  for (const auto& worker : counters) sum = sum * 10 + worker.requests.get();
  EXPECT_EQ(sum, 15u) << "in the workers' order";
}

TEST(PerWorker, GivesAWorkerTheSameSetAgain) {
  PerWorker<PoolCounters> counters(1);
  auto* const first = &counters[0];
  EXPECT_EQ(&counters[0], first);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 64, 0u) << "no line is shared between workers";
}

}  // namespace
}  // namespace sluice::observe
