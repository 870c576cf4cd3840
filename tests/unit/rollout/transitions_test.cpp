// A rollout's transitions as changes of the state: shares, stable pool, ends; and their way through the
// journal.
#include "control/rollout/transitions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/state/pending.hpp"
#include "control/state/state_json.hpp"
#include "unit/rollout/rollouts.hpp"

namespace sluice::rollout {
namespace {

using protocol::Exit;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const auto kPlan = plan_of_steps({5'000, 50'000, kWhole});

TEST(Moves, StartPutsTheFirstStepInForce) {
  const auto change = start(blue_green(), start_of(kPlan), 1'000);
  ASSERT_TRUE(change);
  EXPECT_EQ(green(change->next), 5'000u);
  EXPECT_EQ(of(change->next).phase, RolloutPhase::running);
  EXPECT_EQ(of(change->next).from, "blue");
  EXPECT_EQ(of(change->next).id, change->next.generation);
  EXPECT_EQ(change->undo, "sluicectl rollout abort api");
  EXPECT_THAT(change->after, HasSubstr("rollout to green: step 1 of 3 (5%)"));
}

TEST(Moves, WithVerifyRequestsNothingIsShiftedYet) {
  auto plan = kPlan;
  plan.verify.emplace_back();
  const State state = started(plan);
  EXPECT_EQ(of(state).phase, RolloutPhase::verifying);
  EXPECT_EQ(green(state), 0u);
  const State next = advance(state, "api", 2'000, "verified")->next;
  EXPECT_EQ(of(next).step, 0u);
  EXPECT_EQ(green(next), 5'000u);
}

TEST(Moves, FromStepToStepToTheEnd) {
  State state = started(kPlan);
  state = advance(state, "api", 2'000, "")->next;
  EXPECT_EQ(green(state), 50'000u);
  EXPECT_EQ(of(state).step_began, 2'000);
  state = advance(state, "api", 3'000, "")->next;
  EXPECT_EQ(green(state), kWhole);
  EXPECT_EQ(state.service("api")->stable(), "green");
  state = finish(state, "api", 4'000, "1000 requests")->next;
  EXPECT_EQ(of(state).phase, RolloutPhase::done);
  EXPECT_EQ(of(state).retained_until, 4'000 + 3'600'000);
  EXPECT_EQ(advance(state, "api", 5'000, "").error().exit, Exit::conflict);
}

TEST(Moves, PromotingTheLastStepEndsItAndAJumpGoesThereAtOnce) {
  State state = jump(started(kPlan), "api", 2'000, "promoted")->next;
  EXPECT_EQ(green(state), kWhole);
  state = advance(state, "api", 3'000, "promoted")->next;
  EXPECT_EQ(of(state).phase, RolloutPhase::done);
}

TEST(Moves, GoingBackRestoresSharesSlotsAndStable) {
  const State before = blue_green();
  State state = jump(started(kPlan), "api", 2'000, "")->next;
  state = go_back(state, "api", RolloutPhase::rolled_back, 3'000, "p95")->next;
  EXPECT_EQ(state.service("api")->stable_history, before.service("api")->stable_history);
  EXPECT_EQ(state.service("api")->slots.owners(), before.service("api")->slots.owners());
  EXPECT_EQ(of(state).why, "p95");
  EXPECT_EQ(of(state).ended, 3'000);
  EXPECT_FALSE(state.service("api")->configured_split) << "as configured again (T2)";
}

// A canary that had a share already when it began is not left with it.
TEST(Moves, GoingBackLeavesTheNewPoolWithNothing) {
  State state = state::split(blue_green(), "api", {{"blue", 90'000}, {"green", 10'000}})->next;
  state = start(state, start_of(kPlan), 1'000)->next;
  state = go_back(state, "api", RolloutPhase::aborted, 3'000, "x")->next;
  EXPECT_EQ(green(state), 0u);
}

TEST(Moves, TheOthersKeepTheirProportions) {
  ServiceState service;
  for (const char* name : {"a", "b", "c"}) {
    state::PoolState pool;
    pool.name = name;
    service.pools.push_back(pool);
  }
  const state::Table before = {{"a", 60'000}, {"b", 30'000}, {"c", 10'000}};
  EXPECT_THAT(shares_with(service, before, "a", "c", 10'000), ElementsAre(60'000, 30'000, 10'000));
  EXPECT_THAT(shares_with(service, before, "a", "c", 0), ElementsAre(66'667, 33'333, 0));
  EXPECT_THAT(shares_with(service, before, "a", "c", kWhole), ElementsAre(0, 0, kWhole));
}

TEST(Moves, C6_AGroupGoesBackInOneGeneration) {
  Start both = start_of(kPlan);
  both.services.emplace_back("web", "green");
  const State state = start(blue_green({"api", "web"}), both, 1'000)->next;
  EXPECT_EQ(green(state, "web"), 5'000u);
  const auto back = go_back(state, "web", RolloutPhase::rolled_back, 2'000, "errors");
  EXPECT_EQ(back->next.generation, state.generation + 1);
  EXPECT_EQ(green(back->next, "api") + green(back->next, "web"), 0u);
  EXPECT_EQ(of(back->next, "api").why, "with service web: errors");
}

TEST(Moves, Conflicts) {
  const State state = started(kPlan);
  EXPECT_EQ(start(state, start_of(kPlan), 2'000).error().exit, Exit::conflict);
  EXPECT_EQ(state::split(state, "api", {{"blue", kWhole}}).error().exit, Exit::conflict);
  EXPECT_EQ(state::cutover(state, {{"api", "green"}}).error().exit, Exit::conflict);
  EXPECT_EQ(state::undo(state, blue_green()).error().exit, Exit::conflict);
  EXPECT_EQ(start(blue_green(), start_of(kPlan, "blue"), 2'000).error().exit, Exit::refused);
  EXPECT_EQ(start(blue_green(), start_of(kPlan, "gren"), 2'000).error().exit, Exit::not_found);
}

TEST(Moves, SupersedingAbortsAndBeginsFromTheTableBefore) {
  Start again = start_of(plan_of_steps({20'000}));
  again.supersede = true;
  const State state = start(started(kPlan), again, 2'000)->next;
  EXPECT_EQ(green(state), 20'000u);
  EXPECT_THAT(of(state).before, ElementsAre(std::pair<std::string, Share>("blue", kWhole)));
}

TEST(Moves, RollbackEndsARollout) {
  const State state = state::rollback(started(kPlan), {"api"}, 9'000)->next;
  EXPECT_EQ(of(state).phase, RolloutPhase::aborted);
  EXPECT_EQ(of(state).ended, 9'000);
  EXPECT_EQ(green(state), 0u);
}

TEST(Moves, PauseAndResume) {
  const State paused = set_paused(started(kPlan), "api", true, 2'000)->next;
  EXPECT_TRUE(of(paused).paused);
  EXPECT_FALSE(set_paused(paused, "api", true, 3'000)->changed);
  const State resumed = set_paused(paused, "api", false, 4'000)->next;
  EXPECT_EQ(of(resumed).step_began, 4'000) << "the hold begins anew";
}

TEST(Moves, TheWayBackIsKept) {
  State state = started(kPlan);
  EXPECT_THAT(kept_for_rollback(*state.service("api"), "blue", 1'000), HasSubstr("may go back to it"));
  EXPECT_THAT(kept_for_rollback(*state.service("api"), "green", 1'000), IsEmpty());
  state = jump(state, "api", 2'000, "")->next;
  state = finish(state, "api", 3'000, "")->next;
  EXPECT_THAT(kept_for_rollback(*state.service("api"), "blue", 3'000), HasSubstr("another 1h"));
  EXPECT_THAT(kept_for_rollback(*state.service("api"), "blue", 3'000 + 3'600'000), IsEmpty());
}

TEST(Moves, G7_TheJournalKeepsAllOfIt) {
  auto plan = kPlan;
  plan.verify.emplace_back().path = "/health?a=\"b\"";
  plan.gates.emplace_back().exec = "test 'x' = \"y\"";
  State state = advance(started(plan), "api", 2'000, "verified: \xc3\xa4")->next;
  state = set_paused(state, "api", true, 3'000)->next;
  const auto read = state::service_from_json(state::to_json(*state.service("api")));
  ASSERT_TRUE(read) << read.error().why;
  EXPECT_EQ(*read, *state.service("api"));
}

TEST(Moves, AnUnreadableRolloutLeavesTheSharesInForce) {
  auto json = state::to_json(*started(kPlan).service("api"));
  json["rollout"].get_object()["plan"] = "steps: [{share: 5%, shade: 1}]";
  const auto read = state::service_from_json(json);
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->rollout);
  EXPECT_EQ(read->pool("green")->share, 5'000u);
}

TEST(Moves, AHundredLinesAreNotKept) {
  Rollout rollout;
  for (int i = 0; i < 100; ++i) rollout.log_change(i, std::to_string(i));
  EXPECT_EQ(rollout.lines.size(), Rollout::kMostLines);
  EXPECT_EQ(rollout.lines.front().text, "0");
  EXPECT_EQ(rollout.lines.back().text, "99");
}

// --- C8

State unconfirmed() {
  const State before = blue_green({"api", "web"});
  auto change = state::cutover(before, {{"api", "green"}, {"web", "green"}});
  state::ask_for_confirmation(before, *change, 5'000);
  return change->next;
}

TEST(Confirm, WhatIsNotConfirmedIsTakenBackInAllServices) {
  const State state = unconfirmed();
  EXPECT_EQ(state.service("api")->unconfirmed->deadline, 5'000);
  const auto back = state::revert(state, state.generation);
  const State before = blue_green({"api", "web"});
  for (const char* name : {"api", "web"}) {
    EXPECT_EQ(*back->next.service(name)->pool("blue"), *before.service(name)->pool("blue"));
    EXPECT_EQ(back->next.service(name)->stable_history, before.service(name)->stable_history);
    EXPECT_EQ(back->next.service(name)->slots.owners(), before.service(name)->slots.owners());
  }
}

TEST(Confirm, WhatIsConfirmedStays) {
  const State state = state::confirm(unconfirmed(), {"api", "web"})->next;
  EXPECT_FALSE(state.service("web")->unconfirmed);
  EXPECT_EQ(green(state, "web"), kWhole);
  EXPECT_EQ(state::confirm(state, {"api"}).error().exit, Exit::conflict);
  EXPECT_EQ(state::confirm(state, {"ap"}).error().exit, Exit::not_found);
}

TEST(Confirm, WhileItWaitsOnlyTheWayBackIsOpen) {
  const State state = unconfirmed();
  EXPECT_EQ(state::split(state, "api", {{"blue", kWhole}}).error().exit, Exit::conflict);
  EXPECT_EQ(start(state, start_of(kPlan, "blue"), 1).error().exit, Exit::conflict);
  const State back = state::rollback(state, {"api"})->next;
  EXPECT_FALSE(back.service("api")->unconfirmed);
  EXPECT_EQ(green(back), 0u);
}

TEST(Confirm, TheJournalKeepsIt) {
  const State state = unconfirmed();
  const auto read = state::service_from_json(state::to_json(*state.service("api")));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, *state.service("api"));
}

// --- several services (C6)

Start both(config::PlanSpec plan) {
  Start start = start_of(std::move(plan));
  start.services = {{"web", "green"}, {"api", "green"}};
  return start;
}

TEST(Moves, AGroupTakesEveryStepInOneGeneration) {
  State state = start(blue_green({"api", "web", "other"}), both(kPlan), 1'000)->next;
  for (const Share share : {5'000u, 50'000u, kWhole}) {
    EXPECT_EQ(green(state, "api"), share);
    EXPECT_EQ(green(state, "web"), share);
    const auto change = advance(state, "api", 2'000, "");
    EXPECT_EQ(change->next.generation, state.generation + 1);
    EXPECT_EQ(change->undo, share == kWhole ? "sluicectl rollback web api" : "sluicectl rollout abort api");
    state = change->next;
  }
  EXPECT_EQ(of(state, "api").phase, RolloutPhase::done);
  EXPECT_EQ(of(state, "web").phase, RolloutPhase::done);
  EXPECT_EQ(green(state, "other"), 0u);
}

TEST(Moves, WhatIsDoneToOneOfAGroupIsDoneToAll) {
  const State begun = start(blue_green({"api", "web"}), both(kPlan), 1'000)->next;
  EXPECT_THAT(with_group(begun, {"web"}), ElementsAre("web", "api"));
  EXPECT_THAT(with_group(blue_green(), {"api", "nope"}), ElementsAre("api", "nope"));
  EXPECT_TRUE(of(set_paused(begun, "web", true, 2'000)->next, "api").paused);
  EXPECT_EQ(green(jump(begun, "web", 2'000, "")->next, "api"), kWhole);
  const State back = go_back(begun, "web", RolloutPhase::rolled_back, 2'000, "p95")->next;
  EXPECT_EQ(of(back, "web").why, "p95");
  EXPECT_EQ(of(back, "api").why, "with service web: p95");
  auto again = start_of(kPlan);
  again.supersede = true;
  const State alone = start(begun, again, 3'000)->next;
  EXPECT_EQ(of(alone, "web").phase, RolloutPhase::aborted);
  EXPECT_EQ(green(alone, "web"), 0u);
  EXPECT_THAT(with_group(alone, {"api"}), ElementsAre("api"));
}

TEST(Moves, AStepWithoutAShareLeavesTheTableAsItIs) {
  auto plan = plan_of_steps({0, 5'000});
  plan.steps[0].mirror = 10'000;
  const State state = started(plan);
  EXPECT_EQ(green(state), 0u);
  EXPECT_EQ(of(state).text(), "to green: step 1 of 2 (0%, mirror 10%)");
  const auto read = state::rollout_from_json(to_json(of(state)));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, of(state));
}

TEST(Moves, RemarksOnWhatMayNotBeMeant) {
  auto plan = plan_of_steps({5'000, 50'000}, 0s);
  EXPECT_THAT(remarks(plan, "green"),
              ElementsAre(HasSubstr("no gate"), HasSubstr("step 1 (5%), 2 (50%)"), HasSubstr("ends at 50%")));
  plan = plan_of_steps({5'000, kWhole});
  plan.gates.emplace_back();
  EXPECT_THAT(remarks(plan, "green"), IsEmpty());
}

}  // namespace
}  // namespace sluice::rollout
