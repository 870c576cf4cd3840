// How much counts are worth when requests of one user are alike.
#include "control/rollout/clusters.hpp"

#include <gtest/gtest.h>

#include <random>

#include "control/rollout/judge.hpp"
#include "support/readings.hpp"

namespace sluice::rollout {
namespace {

constexpr double kAlpha = 0.0005;

std::vector<Tally> cells_of(std::size_t cells, std::uint64_t n, std::uint64_t k) {
  return std::vector<Tally>(cells, Tally{n, k});
}

TEST(Clusters, RequestsThatDifferAsChanceHasItAreWorthAlmostOneEach) {
  std::mt19937_64 random(1);
  double sum = 0;
  for (int run = 0; run < 200; ++run) {
    auto cells = cells_of(64, 100, 0);
    for (auto& cell : cells) cell.k = std::binomial_distribution<std::uint64_t>(100, 0.05)(random);
    sum += requests_worth_one(cells, kAlpha) / 200;
  }
  EXPECT_GT(sum, 1);
  EXPECT_LT(sum, 1.35);
}

TEST(Clusters, RequestsOfUsersWhoAllFailOrAllDoWellAreWorthOneUserEach) {
  auto cells = cells_of(64, 100, 0);
  for (std::size_t i = 0; i < cells.size(); i += 4) cells[i].k = 100;
  const double worth = requests_worth_one(cells, kAlpha);
  EXPECT_GT(worth, 100);
  EXPECT_LT(worth, 150);
}

TEST(Clusters, OneUserWhoAlwaysFailsIsOneError) {
  auto cells = cells_of(64, 100, 0);
  cells[7].k = 100;
  const double worth = requests_worth_one(cells, kAlpha);
  EXPECT_GE(worth, 90) << "his hundred errors are about one";
  EXPECT_LT(evidence_above({6'400, 100, worth}, 0.005), threshold(kAlpha));
  EXPECT_GT(evidence_above({6'400, 100}, 0.005), threshold(kAlpha))
      << "as a hundred of different users they were proof";
}

TEST(Clusters, FewCellsSayLessThanMany) {
  double before = 1e9;
  for (const std::size_t cells : {2u, 4u, 8u, 16u, 64u}) {
    auto some = cells_of(cells, 100, 5);
    some[0].k = 10;
    some[1].k = 0;
    const double worth = requests_worth_one(some, kAlpha);
    EXPECT_LT(worth, before) << cells;
    before = worth;
  }
}

TEST(Clusters, NeverMoreThanAllRequestsNorLessThanOne) {
  EXPECT_EQ(requests_worth_one({}, kAlpha), 1);
  EXPECT_EQ(requests_worth_one(cells_of(64, 0, 0), kAlpha), 1);
  EXPECT_EQ(requests_worth_one(cells_of(1, 50, 20), kAlpha), 50) << "a single user is a single answer";
  EXPECT_EQ(requests_worth_one(cells_of(64, 100, 5), kAlpha), 1) << "more even than chance";
  EXPECT_LE(requests_worth_one({{10, 10}, {10, 0}}, kAlpha), 20);
}

// ---- in the judge

// Adds `n` answers of one cell, `errors` of them errors.
void answer_in(Reading& reading, std::size_t cell, std::uint64_t n, std::uint64_t errors) {
  using observe::CellLayout;
  answer(reading, n, errors);
  reading.cells.resize(CellLayout::kNumbers);
  reading.cells_seen = 64;
  reading.cells[cell * CellLayout::kEach + CellLayout::kAttempts] += static_cast<std::uint32_t>(n);
  reading.cells[cell * CellLayout::kEach + CellLayout::kErrors] += static_cast<std::uint32_t>(errors);
  reading.cells[cell * CellLayout::kEach + CellLayout::kTimes + observe::CellTimes::index(10'000)] +=
      static_cast<std::uint32_t>(n);
}

config::GateSpec against_stable() {
  config::GateSpec gate;
  gate.metric = "error_rate";
  gate.against_stable = true;
  gate.max = 0.05;
  gate.max_increase = 0.01;
  return gate;
}

TEST(JudgeByUsers, OneUserWhoAlwaysFailsFailsNoGate) {
  Judge judge({against_stable()}, 2);
  Reading canary, stable;
  judge.begin(canary, stable);
  for (std::size_t cell = 0; cell < 64; ++cell)
    answer_in(canary, cell, 20, cell == 5 ? 20 : 0), answer_in(stable, cell, 200, 0);
  answer_in(canary, 5, 100, 100);
  EXPECT_FALSE(judge.fails(canary, stable));
  for (const auto& one : judge.look(canary, stable)) {
    EXPECT_NE(one.verdict, Verdict::fail) << one.why;
    EXPECT_TRUE(one.design_effect) << one.gate;
  }
  canary.cells.clear();
  EXPECT_TRUE(judge.fails(canary, stable)) << "as requests of whoever";
}

TEST(JudgeByUsers, AVersionThatFailsManyUsersNowAndThenDoes) {
  Judge judge({against_stable()}, 2);
  Reading canary, stable;
  judge.begin(canary, stable);
  for (std::size_t cell = 0; cell < 64; ++cell)
    answer_in(canary, cell, 20, 2 + cell % 3), answer_in(stable, cell, 200, 0);
  EXPECT_TRUE(judge.fails(canary, stable));
}

TEST(JudgeByUsers, AServiceOfFewUsersIsJudgedByRequests) {
  Judge judge({against_stable()}, 2);
  Reading canary, stable;
  judge.begin(canary, stable);
  answer_in(canary, 5, 100, 40);
  answer_in(stable, 9, 100, 0);
  EXPECT_FALSE(judge.fails(canary, stable)) << "one of many users";
  canary.cells_seen = stable.cells_seen = 2;
  EXPECT_TRUE(judge.fails(canary, stable)) << "one of two";
}

TEST(JudgeByUsers, ASlowUserIsNoSlowVersion) {
  config::GateSpec gate;
  gate.metric = "p95";
  gate.max = 0.1;
  Judge judge({gate}, 2);
  Reading canary, stable;
  judge.begin(canary, stable);
  for (std::size_t cell = 0; cell < 64; ++cell)
    answer_in(canary, cell, 20, 0), answer_in(stable, cell, 20, 0);
  answer(canary, 200, 0, 500'000);
  using observe::CellLayout;
  canary.cells[5 * CellLayout::kEach + CellLayout::kAttempts] += 200;
  canary.cells[5 * CellLayout::kEach + CellLayout::kTimes + observe::CellTimes::index(500'000)] += 200;
  EXPECT_FALSE(judge.fails(canary, stable));
  canary.cells.clear();
  EXPECT_TRUE(judge.fails(canary, stable));
}

}  // namespace
}  // namespace sluice::rollout
