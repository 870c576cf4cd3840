// G2, G3: what a rollout does next, by what was seen.
#include "control/rollout/engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/rollout/rollouts.hpp"

namespace sluice::rollout {
namespace {

using ::testing::HasSubstr;

Judgement judgement(Verdict verdict, const std::string& why = "because") {
  Judgement made;
  made.gate = "gate";
  made.verdict = verdict;
  made.why = why;
  return made;
}

// In the first of two steps, with everything done that it asks for.
struct Engine : ::testing::Test {
  Rollout rollout = of(started(plan_of_steps({5'000, kWhole})));
  Evidence evidence = good();

  static Evidence good() {
    Evidence made;
    made.in_step = 10s;
    made.eligible = 1;
    made.n_canary = made.n_stable = 50;
    made.judgements = {judgement(Verdict::pass)};
    return made;
  }
  Decision decision() const { return decide(rollout, evidence); }
  void expect(Act act, const std::string& why) const {
    EXPECT_EQ(decision().act, act) << decision().why;
    EXPECT_THAT(decision().why, HasSubstr(why));
  }
};

TEST_F(Engine, AStepPassesWhenHoldRequestsAndGatesAreSo) {
  expect(Act::advance, "50 requests; gate: because");
}

TEST_F(Engine, TheLastStepEndsIt) {
  rollout.step = 1;
  evidence.stable_has_share = false;
  evidence.n_stable = 0;
  expect(Act::finish, "50 requests");
}

TEST_F(Engine, TheHoldIsWaitedFor) {
  evidence.in_step = 9'500ms;
  expect(Act::wait, "500ms left");
}

TEST_F(Engine, BothPoolsNeedTheirRequests) {
  evidence.n_canary = 49;
  expect(Act::wait, "49 of the 50 requests that pool 'green'");
  evidence.n_canary = 50;
  evidence.n_stable = 0;
  expect(Act::wait, "0 of the 50 requests that pool 'blue'");
}

TEST_F(Engine, G3_InsufficientHoldsAndSaysWhy) {
  evidence.judgements.push_back(judgement(Verdict::insufficient, "no answer within 60s"));
  expect(Act::wait, "no answer within 60s");
}

TEST_F(Engine, AFailedGateGoesBackAtAnyTime) {
  evidence.judgements.push_back(judgement(Verdict::fail, "7 % is above 5 %"));
  evidence.in_step = 0ms;
  evidence.n_canary = 3;
  expect(Act::go_back, "7 % is above 5 %");
  EXPECT_EQ(decision().gate, "gate");
  rollout.paused = true;
  expect(Act::go_back, "7 % is above 5 %");
  rollout.step = 1;
  expect(Act::go_back, "7 % is above 5 %");
}

TEST_F(Engine, G6_ATrippedGuardGoesBackBeforeAllElse) {
  evidence = Evidence();
  evidence.tripped = true;
  evidence.trip_text = "6 errors";
  expect(Act::go_back, "fast fail: 6 errors");
  EXPECT_EQ(decision().gate, "fast fail");
}

TEST_F(Engine, S9_NoEligibleBackendGoesBack) {
  evidence.eligible = 0;
  expect(Act::go_back, "no eligible backend");
  EXPECT_EQ(decision().gate, "") << "no gate failed";
}

TEST_F(Engine, PausedAndUnapprovedStepsWait) {
  rollout.paused = true;
  expect(Act::wait, "paused");
  rollout.paused = false;
  rollout.plan.steps[0].approve = true;
  expect(Act::wait, "approval");
}

TEST_F(Engine, VerifyingIsDecidedByTheProbesAlone) {
  rollout.phase = RolloutPhase::verifying;
  evidence.judgements = {judgement(Verdict::fail)};
  expect(Act::wait, "");
  evidence.verified = {Verdict::pass, "all answered"};
  expect(Act::advance, "all answered");
  evidence.verified = {Verdict::fail, "status 500"};
  expect(Act::go_back, "status 500");
  EXPECT_EQ(decision().gate, "verification");
}

TEST_F(Engine, AnEmptyPlanOfGatesPassesByItsHold) {
  evidence.judgements.clear();
  expect(Act::advance, "50 requests");
}

TEST(Together, OneThatFailsTakesAllAndOneThatWaitsHoldsAll) {
  const Member passes{"api", {Act::advance, "60 requests"}}, waits{"web", {Act::wait, "holding"}},
      fails{"db", {Act::go_back, "p95"}};
  EXPECT_EQ(decide_together({passes}).decision, passes.decision);
  EXPECT_EQ(decide_together({passes, waits}).decision, (Decision{Act::wait, "service web: holding"}));
  EXPECT_EQ(decide_together({passes, waits, fails}).service, "db");
  EXPECT_EQ(decide_together({passes, waits, fails}).decision, fails.decision);
  EXPECT_EQ(decide_together({passes, {"web", {Act::advance, "70 requests"}}}).decision,
            (Decision{Act::advance, "api: 60 requests; web: 70 requests"}));
}

// ---- A/A: the stable pool against itself, before the first step

struct BeforeTheFirstStep : Engine {
  BeforeTheFirstStep() {
    auto plan = plan_of_steps({5'000, kWhole});
    plan.equal_control = true;
    plan.aa = config::AaSpec{60s, config::AaSpec::OnNoise::refuse};
    rollout = of(started(plan));
    evidence.verified = {Verdict::pass, "verified: 1 request"};
    evidence.in_step = 61s;
  }
};

TEST_F(BeforeTheFirstStep, it_measures_for_its_time_and_begins_with_what_it_saw) {
  EXPECT_EQ(rollout.phase, RolloutPhase::verifying);
  evidence.in_step = 20s;
  expect(Act::wait, "40s left");
  evidence.in_step = 60s;
  expect(Act::advance, "A/A: 50 requests and 50 of two cohorts of the stable pool");
  expect(Act::advance, "verified: 1 request");
}

TEST_F(BeforeTheFirstStep, noise_that_fails_a_gate_refuses_at_once_in_either_direction) {
  evidence.in_step = 1s;
  evidence.judgements = {judgement(Verdict::fail, "5 % and 1 %")};
  expect(Act::go_back, "5 % and 1 %");
  EXPECT_EQ(decision().gate, "gate");
  std::swap(evidence.judgements, evidence.reversed);
  expect(Act::go_back, "the stable pool alone fails this gate");
}

TEST_F(BeforeTheFirstStep, or_is_only_told) {
  rollout.plan.aa->on_noise = config::AaSpec::OnNoise::tell;
  evidence.judgements = {judgement(Verdict::fail, "5 % and 1 %")};
  expect(Act::advance, "which is told only: gate: 5 % and 1 %");
}

TEST_F(BeforeTheFirstStep, the_checks_come_first) {
  evidence.verified = {Verdict::insufficient, "under way"};
  expect(Act::wait, "under way");
  evidence.verified = {Verdict::fail, "status 503"};
  evidence.judgements = {judgement(Verdict::fail)};
  expect(Act::go_back, "status 503");
}

TEST_F(BeforeTheFirstStep, without_traffic_there_is_nothing_to_wait_for) {
  evidence.n_canary = evidence.n_stable = 0;
  evidence.in_step = 9s;
  expect(Act::wait, "measured");
  evidence.in_step = 10s;
  expect(Act::advance, "no request came");
}

TEST_F(BeforeTheFirstStep, a_plan_that_wants_none_begins_with_its_first_step) {
  rollout.plan.aa->measures = 0s;
  EXPECT_EQ(of(started(rollout.plan)).phase, RolloutPhase::running);
}

}  // namespace
}  // namespace sluice::rollout
