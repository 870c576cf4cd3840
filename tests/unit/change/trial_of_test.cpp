// Whom the judge of a rollout compares, as the publisher puts it into a snapshot.
#include "control/change/trial_of.hpp"

#include <gtest/gtest.h>

#include "unit/change/snapshots.hpp"
#include "unit/io/loop.hpp"
#include "unit/rollout/rollouts.hpp"

namespace sluice::change {
namespace {

using rollout::plan_of_steps;
using route::Trial;
using state::RolloutPhase;

struct TrialOf : ::testing::Test {
  TrialOf() {
    spec.services[0].sticky = config::StickySpec();
    plan.equal_control = true;
    plan.aa = config::AaSpec{std::chrono::milliseconds(0), {}};
  }
  void start() {
    const auto begun = rollout::start(rollout::blue_green(), rollout::start_of(plan), 1'000);
    put(begun->next);
  }
  void advance() { put(rollout::advance(state, "api", 2'000, "")->next); }
  void put(state::State next) {
    state = std::move(next);
    snapshot = made.publisher.build(spec, state, snapshot.get());
  }
  const route::Service& service() const { return snapshot->services.at(0); }
  const Trial* trial() const { return service().trial.get(); }
  std::uint32_t of_control() const {
    std::uint32_t n = 0;
    for (std::uint32_t slot = 0; slot < route::kSlots; ++slot)
      n += trial()->arm_of((*service().slots)[slot], slot, true) == Trial::Arm::control;
    return n;
  }

  io::Loop loop;
  Made made{loop.io.get_executor()};
  config::Spec spec = two_pools();
  config::PlanSpec plan = plan_of_steps({5'000, 25'000, 75'000, kWhole});
  state::State state;
  route::SnapshotPtr snapshot;
};

TEST_F(TrialOf, with_an_equal_control_the_cohort_is_as_large_as_the_canary_in_each_step) {
  start();
  EXPECT_EQ(of_control(), 5'000u);
  const auto first = trial()->control;
  EXPECT_EQ(control_text(service()), "a cohort of pool blue with 5% of the users, as many as the canary has");
  advance();
  EXPECT_EQ(of_control(), 25'000u);
  for (const auto& part : first->slots.intervals())
    for (std::uint32_t slot = part.first; slot < part.end; ++slot)
      ASSERT_TRUE(trial()->control->slots.contains(slot)) << slot;
  advance();
  EXPECT_FALSE(trial()->control) << "25% are left, which are less than the canary has";
  EXPECT_EQ(of_control(), 25'000u);
  EXPECT_EQ(control_text(service()), "");
}

TEST_F(TrialOf, before_the_first_step_those_who_will_move_are_compared_with_others) {
  plan.aa->measures = std::chrono::minutes(2);
  start();
  ASSERT_EQ(state.service("api")->rollout->phase, RolloutPhase::verifying);
  ASSERT_TRUE(trial()->canary);
  EXPECT_EQ(trial()->canary->slots.size(), 5'000u);
  EXPECT_EQ(of_control(), 5'000u);
  const auto moving = trial()->canary;
  advance();
  EXPECT_FALSE(trial()->canary) << "now it is the new pool";
  for (std::uint32_t slot = 0; slot < route::kSlots; ++slot)
    ASSERT_EQ(moving->slots.contains(slot), (*service().slots)[slot] == 1) << slot;
}

TEST_F(TrialOf, counters_go_on_through_the_steps_and_begin_anew_with_another_rollout) {
  start();
  const auto counted = trial()->counted;
  advance();
  EXPECT_EQ(trial()->counted, counted);
  put(rollout::go_back(state, "api", RolloutPhase::aborted, 3'000, "")->next);
  EXPECT_EQ(trial(), nullptr) << "no rollout, no trial";
  state.generation = 9;
  put(rollout::start(state, rollout::start_of(plan), 4'000)->next);
  EXPECT_NE(trial()->counted, counted);
}

TEST_F(TrialOf, against_the_pool_only_users_are_told_apart) {
  plan.equal_control = false;
  start();
  ASSERT_TRUE(trial());
  EXPECT_TRUE(trial()->by_users);
  EXPECT_EQ(of_control(), 95'000u);
}

TEST_F(TrialOf, against_the_pool_and_without_keys_nothing_more_is_counted) {
  plan.equal_control = false;
  spec.services[0].sticky.reset();
  start();
  EXPECT_EQ(trial(), nullptr);
  EXPECT_TRUE(service().breaker);
}

TEST_F(TrialOf, what_the_judge_makes_of_a_request_is_said) {
  start();
  route::Decision decision{1, route::DecisionSource::key, "u", 3};
  EXPECT_EQ(judged_as(service(), decision),
            "the judge of the rollout to pool green counts it as the canary's");
  decision = {0, route::DecisionSource::key, "u", 50'000};
  EXPECT_EQ(judged_as(service(), decision),
            "the judge of the rollout to pool green does not count it: the user is in no cohort");
  decision.place = trial()->control->slots.intervals().front().first;
  EXPECT_EQ(judged_as(service(), decision),
            "the judge of the rollout to pool green counts it in the control cohort");
  decision.by = route::DecisionSource::preview;
  EXPECT_EQ(judged_as(service(), decision),
            "the judge of the rollout to pool green does not count it: it is a preview");
}

}  // namespace
}  // namespace sluice::change
