#include "proxy/route/balance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "proxy/base/hash.hpp"
#include "support/services.hpp"

namespace sluice::route {
namespace {

using config::Balance;
using namespace std::chrono_literals;
using testing::backend;

std::vector<Candidate> with_weights(const std::vector<double>& weights) {
  std::vector<Candidate> out;
  for (std::uint32_t i = 0; i < weights.size(); ++i) out.push_back({i, weights[i], 0, 100 + i});
  return out;
}

std::vector<int> count(Balance balance, const std::vector<Candidate>& candidates, RoundRobinState& state,
                       int picks) {
  std::vector<int> counts(16);
  for (int i = 0; i < picks; ++i)
    ++counts[pick(balance, candidates, state, hash64("backend", "api", std::to_string(i)))];
  counts.resize(candidates.back().index + 1);
  return counts;
}

TEST(RoundRobin, WeightsAreExactOverARound) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RoundRobinState state(seed);
    const auto candidates = with_weights({5, 3, 2});
    EXPECT_EQ(count(Balance::round_robin, candidates, state, 1000), (std::vector<int>{500, 300, 200}))
        << seed;
  }
}

TEST(RoundRobin, NoRunsOfOneBackend) {
  RoundRobinState state(3);
  const auto candidates = with_weights({1, 1, 1});
  std::size_t last = 9;
  for (int i = 0; i < 300; ++i) {
    const auto next = pick(Balance::round_robin, candidates, state, 0);
    ASSERT_NE(next, last);
    last = next;
  }
}

// Many workers, each with a few requests: no backend is everyone's first.
TEST(RoundRobin, WorkersDoNotAllBeginWithTheSameBackend) {
  std::vector<int> first(4);
  for (std::uint64_t worker = 0; worker < 400; ++worker) {
    RoundRobinState state(worker);
    ++first[pick(Balance::round_robin, with_weights({1, 1, 1, 1}), state, 0)];
  }
  for (const int n : first) EXPECT_NEAR(n, 100, 45);
}

// Caddy gives B's part to A alone (85/15); by the weights it is 94.1/5.9.
TEST(RoundRobin, WeightIsSharedAmongTheEligibleOnly) {
  RoundRobinState state;
  auto candidates = with_weights({80, 15, 5});
  count(Balance::round_robin, candidates, state, 137);
  candidates.erase(candidates.begin() + 1);
  const auto counts = count(Balance::round_robin, candidates, state, 1700);
  EXPECT_NEAR(counts[0], 1600, 2);
  EXPECT_EQ(counts[1], 0);
  EXPECT_NEAR(counts[2], 100, 2);
}

TEST(RoundRobin, ALoweredWeightDoesNotStarve) {
  RoundRobinState state;
  auto candidates = with_weights({1000, 999});
  for (int i = 0; i < 501; ++i) pick(Balance::round_robin, candidates, state, 0);
  candidates = with_weights({1, 1});
  const auto counts = count(Balance::round_robin, candidates, state, 20);
  EXPECT_NEAR(counts[0], 10, 2);
  EXPECT_NEAR(counts[1], 10, 2);
}

TEST(RoundRobin, OneStateServesAllPools) {
  RoundRobinState state;
  const std::vector<Candidate> a = {{0, 1, 0, 1}, {1, 1, 0, 2}}, b = {{0, 1, 0, 3}, {1, 2, 0, 4}};
  std::vector<int> in_a(2), in_b(2);
  for (int i = 0; i < 300; ++i) {
    ++in_a[pick(Balance::round_robin, a, state, 0)];
    ++in_b[pick(Balance::round_robin, b, state, 0)];
  }
  EXPECT_EQ(in_a, (std::vector<int>{150, 150}));
  EXPECT_EQ(in_b, (std::vector<int>{100, 200}));
}

TEST(Balance, WeightZeroGetsNothingUnlessAllAreZero) {
  for (const auto balance : {Balance::round_robin, Balance::least_requests, Balance::hash}) {
    RoundRobinState state;
    const auto some = count(balance, with_weights({0, 1, 2}), state, 3000);
    EXPECT_EQ(some[0], 0);
    EXPECT_NEAR(some[1], 1000, 150);
    const auto none = count(balance, with_weights({0, 0, 0}), state, 3000);
    for (const int n : none) EXPECT_NEAR(n, 1000, 150);
  }
}

TEST(Balance, ASingleCandidateIsPicked) {
  for (const auto balance : {Balance::round_robin, Balance::least_requests, Balance::hash}) {
    RoundRobinState state;
    for (const double weight : {0.0, 0.1, 5.0}) {
      const std::vector<Candidate> one = {{7, weight, 1'000'000, 1}};
      EXPECT_EQ(pick(balance, one, state, 42), 7u);
    }
  }
}

TEST(LeastRequests, TheFewestForTheWeight) {
  RoundRobinState state;
  const auto best = [&](std::vector<Candidate> candidates) {
    return pick(Balance::least_requests, candidates, state, 0);
  };
  EXPECT_EQ(best({{0, 1, 3, 1}, {1, 1, 2, 2}, {2, 1, 4, 3}}), 1u);
  EXPECT_EQ(best({{0, 1, 3, 1}, {1, 4, 8, 2}}), 1u);
  EXPECT_EQ(best({{0, 1, 1, 1}, {1, 4, 8, 2}}), 0u);
  EXPECT_EQ(best({{0, 0, 0, 1}, {1, 1, 9, 2}}), 1u);
}

TEST(LeastRequests, EqualsTakeTurnsByWeight) {
  RoundRobinState state;
  EXPECT_EQ(count(Balance::least_requests, with_weights({1, 1, 2}), state, 400),
            (std::vector<int>{100, 100, 200}));
}

TEST(Hash, SharesFollowTheWeights) {
  RoundRobinState state;
  const auto counts = count(Balance::hash, with_weights({1, 2, 3, 4}), state, 100'000);
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(counts[i], 10'000 * (i + 1), 600) << i;
}

TEST(Hash, ABackendThatLeavesMovesOnlyItsOwnKeys) {
  RoundRobinState state;
  const auto all = with_weights({1, 2, 3, 4});
  auto fewer = all;
  fewer.erase(fewer.begin() + 2);
  std::map<std::size_t, int> gained;
  for (int i = 0; i < 20'000; ++i) {
    const auto key = hash64("backend", "api", std::to_string(i));
    const auto before = pick(Balance::hash, all, state, key), after = pick(Balance::hash, fewer, state, key);
    if (before != 2) {
      ASSERT_EQ(after, before);
    } else {
      ++gained[after];
    }
  }
  // Its keys go to the others by their weights: 6,000 keys as 1 : 2 : 4.
  EXPECT_NEAR(gained[0], 857, 150);
  EXPECT_NEAR(gained[1], 1714, 200);
  EXPECT_NEAR(gained[3], 3429, 250);
}

TEST(Hash, ARaisedWeightOnlyDrawsKeysIn) {
  RoundRobinState state;
  for (int i = 0; i < 20'000; ++i) {
    const auto key = hash64("backend", "api", std::to_string(i));
    const auto before = pick(Balance::hash, with_weights({1, 1, 1}), state, key);
    const auto after = pick(Balance::hash, with_weights({1, 2, 1}), state, key);
    ASSERT_TRUE(after == before || after == 1u);
  }
}

// S7: being in the canary says nothing about the backend.
TEST(HashS7, TheBackendIsIndependentOfThePool) {
  RoundRobinState state;
  std::vector<std::vector<int>> counts(2, std::vector<int>(2));
  for (int i = 0; i < 40'000; ++i) {
    const auto key = "user-" + std::to_string(i);
    const bool canary = slot_of("api", key) < 50'000;
    ++counts[canary][pick(Balance::hash, with_weights({1, 1}), state, hash64("backend", "api", key))];
  }
  for (const auto& side : counts)
    for (const int n : side) EXPECT_NEAR(n, 10'000, 500);
}

TEST(Hash, IdentityIsFrozen) {
  EXPECT_EQ(backend_identity("127.0.0.1:9001"), hash64("backend-name", "", "127.0.0.1:9001"));
  EXPECT_NE(backend_identity("127.0.0.1:9001"), backend_identity("127.0.0.1:9002"));
}

TEST(SlowStart, RampsLinearlyFromATenth) {
  EXPECT_DOUBLE_EQ(ramp(10, 0us, 30s), 1);
  EXPECT_DOUBLE_EQ(ramp(10, 1s, 30s), 1);
  EXPECT_DOUBLE_EQ(ramp(10, 15s, 30s), 5);
  EXPECT_DOUBLE_EQ(ramp(10, 30s, 30s), 10);
  EXPECT_DOUBLE_EQ(ramp(10, 300s, 30s), 10);
  EXPECT_DOUBLE_EQ(ramp(10, 0us, 0s), 10);
  EXPECT_DOUBLE_EQ(ramp(10, -5us, 30s), 1);
  EXPECT_DOUBLE_EQ(ramp(0, 15s, 30s), 0);
}

class EligibilityH1 : public ::testing::Test {
 protected:
  EligibilityH1() {
    for (std::uint32_t i = 0; i < 3; ++i) pool.backends.push_back(backend("b" + std::to_string(i), i));
  }
  void health(std::size_t i, observe::Health health) { pool.backends[i].live->health = health; }
  std::vector<bool> eligible_ones() const {
    std::vector<bool> out;
    for (const auto& b : pool.backends) out.push_back(eligible(b, pool_has_up(pool)));
    return out;
  }
  Pool pool;
};

using observe::Admin;
using observe::Health;
using Flags = std::vector<bool>;

TEST_F(EligibilityH1, UnknownCountsWhileNothingIsKnownToBeUp) {
  EXPECT_EQ(eligible_ones(), (Flags{true, true, true}));
  health(0, Health::down);
  EXPECT_EQ(eligible_ones(), (Flags{false, true, true}));
  health(1, Health::up);
  EXPECT_EQ(eligible_ones(), (Flags{false, true, false}));
}

TEST_F(EligibilityH1, DownAndEjectedAreNever) {
  health(0, Health::down);
  health(1, Health::ejected);
  health(2, Health::down);
  EXPECT_EQ(eligible_ones(), (Flags{false, false, false}));
}

TEST_F(EligibilityH1, TheOperatorsWordCountsFromEitherSide) {
  for (std::size_t i = 0; i < 3; ++i) health(i, Health::up);
  pool.backends[0].admin = Admin::draining;
  pool.backends[1].live->admin = Admin::maint;
  EXPECT_EQ(eligible_ones(), (Flags{false, false, true}));
}

TEST_F(EligibilityH1, AnUpBackendThatIsDrainingDoesNotKeepTheUnknownOut) {
  health(0, Health::up);
  pool.backends[0].admin = Admin::draining;
  EXPECT_EQ(eligible_ones(), (Flags{false, true, true}));
}

}  // namespace
}  // namespace sluice::route
