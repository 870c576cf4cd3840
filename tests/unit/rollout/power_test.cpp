#include "control/rollout/power.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "control/rollout/boundary.hpp"
#include "control/rollout/judge.hpp"
#include "unit/rollout/rollouts.hpp"

namespace sluice::rollout {
namespace {

Tally tally_of(double n, double k) {
  return {static_cast<std::uint64_t>(std::llround(n)), static_cast<std::uint64_t>(std::llround(k))};
}

TEST(BoundaryTest, is_where_the_judges_evidence_turns) {
  const auto fails = [](double n, double k) {
    return evidence_above(tally_of(n, k), 0.05) >= threshold(0.001);
  };
  const auto proof = Boundary::most_answers(fails, 1e6, Boundary::kFine);
  for (const double k : {5.0, 9.0, 40.0, 333.0, 4'000.0}) {
    EXPECT_TRUE(fails(proof.answers(k) * 0.98 - 1, k)) << k;
    EXPECT_FALSE(fails(proof.answers(k) * 1.02 + 1, k)) << k;
  }
  EXPECT_EQ(proof.answers(0), 0);
  EXPECT_EQ(proof.answers(1), 0) << "one error proves nothing";
  const auto passes = [](double n, double k) {
    return evidence_below(tally_of(n, k), 0.05) >= threshold(0.05);
  };
  const auto kept = Boundary::fewest_answers(passes, 1e5, Boundary::kFine);
  for (const double k : {0.0, 3.0, 40.0, 333.0}) {
    EXPECT_TRUE(passes(kept.answers(k) * 1.02 + 1, k)) << k;
    EXPECT_FALSE(passes(kept.answers(k) * 0.98 - 1, k)) << k;
  }
  EXPECT_EQ(kept.answers(50'000), kNever);
}

struct PowerTest : ::testing::Test {
  config::PlanSpec plan = plan_of_steps({5'000, 50'000, kWhole}, 10min);
  Traffic traffic{100, 0.01, {}};

  PowerTest() {
    for (std::uint64_t i = 0; i < 1'000; ++i) {
      ++traffic.latency.buckets[observe::HistogramLayout::index(10'000 + i * 100)];
      ++traffic.latency.count;
    }
  }
  void gate(const std::string& metric, std::optional<double> max, std::optional<double> increase = {}) {
    auto& made = plan.gates.emplace_back();
    made.metric = metric;
    made.max = max;
    made.max_increase = increase;
    made.against_stable = increase.has_value();
  }
  std::vector<StepPower> told() const { return power_of(plan, traffic, 3); }
};

TEST_F(PowerTest, an_equal_control_is_as_large_as_the_canary_while_that_is_there) {
  plan.equal_control = true;
  const auto steps = told();
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_DOUBLE_EQ(steps[0].stable_rate, 5);
  EXPECT_DOUBLE_EQ(steps[1].stable_rate, 50);
  EXPECT_DOUBLE_EQ(steps[2].stable_rate, 0);
}

TEST_F(PowerTest, steps_are_in_the_plans_order_with_their_rates) {
  gate("error_rate", 0.05, 0.01);
  gate("p95", 0.5);
  const auto steps = told();
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_DOUBLE_EQ(steps[0].canary_rate, 5);
  EXPECT_DOUBLE_EQ(steps[0].stable_rate, 95);
  EXPECT_DOUBLE_EQ(*steps[0].enough, 10) << "50 requests";
  EXPECT_DOUBLE_EQ(*steps[0].broken, 6.0 / 5) << "six of the first answers";
  ASSERT_EQ(steps[0].limits.size(), 3u);
  EXPECT_EQ(steps[0].limits[0].gate, "error_rate max 5 %");
  EXPECT_EQ(steps[0].limits[1].gate, "error_rate against stable max_increase 1 %");
  EXPECT_DOUBLE_EQ(steps[0].limits[1].limit, 0.02);
  EXPECT_EQ(steps[2].limits.size(), 2u) << "at 100 % there is nobody to compare with";
  EXPECT_NEAR(steps[0].limits[2].baseline, 0.105, 0.004);
}

TEST_F(PowerTest, worse_canaries_and_more_traffic_are_found_sooner) {
  gate("error_rate", 0.02);
  const auto steps = told();
  const auto& worse = steps[0].limits[0].worse;
  ASSERT_EQ(worse.size(), std::size(kWorse));
  for (std::size_t i = 1; i < worse.size(); ++i)
    if (worse[i - 1].found.median) {
      EXPECT_LT(*worse[i].found.median, *worse[i - 1].found.median);
    }
  EXPECT_LT(*steps[1].limits[0].worse[2].found.median, *worse[2].found.median / 5);
  EXPECT_LT(*worse[3].found.median, *worse[3].found.most);
  EXPECT_FALSE(worse[0].found.most) << "20 % beyond the limit takes longer than six holds";
  const double least = *steps[0].limits[0].least;
  EXPECT_GT(least, 0.024);
  EXPECT_LT(least, 0.06);
  EXPECT_LT(*steps[1].limits[0].least, least);
}

TEST_F(PowerTest, a_limit_that_today_is_not_kept_is_never_passed) {
  gate("error_rate", 0.005);
  EXPECT_FALSE(told()[0].limits[0].passed.most);
  EXPECT_DOUBLE_EQ(told()[0].limits[0].baseline, 0.01);
}

TEST_F(PowerTest, without_latencies_it_says_so) {
  gate("p95", 0.5);
  traffic.latency = {};
  EXPECT_EQ(told()[0].limits[0].why, "no latencies are known yet");
  EXPECT_TRUE(told()[0].limits[0].worse.empty());
}

TEST_F(PowerTest, rates_beyond_everything_are_left_out) {
  gate("error_rate", 0.6);
  EXPECT_EQ(told()[0].limits[0].worse.size(), 2u) << "0.72 and 0.9";
  plan.gates.front().max = 0;
  EXPECT_DOUBLE_EQ(told()[0].limits[0].worse[2].value, 0.002);
}

TEST_F(PowerTest, a_step_of_nothing_has_no_gates_and_one_of_copies_has) {
  gate("error_rate", 0.05);
  plan.steps = {{0, 10min, false, 0, {}}, {0, 10min, false, 10'000, {}}, {kWhole, 10min, false, 0, {}}};
  const auto steps = told();
  EXPECT_TRUE(steps[0].limits.empty());
  EXPECT_DOUBLE_EQ(steps[1].canary_rate, 10);
  EXPECT_DOUBLE_EQ(steps[1].stable_rate, 100) << "copies take nobody away";
  EXPECT_EQ(steps[1].limits.size(), 1u);
}

TEST_F(PowerTest, the_same_seed_says_the_same) {
  gate("error_rate", 0.05);
  EXPECT_EQ(told()[0].limits[0].worse[1].found.most, told()[0].limits[0].worse[1].found.most);
}

}  // namespace
}  // namespace sluice::rollout
