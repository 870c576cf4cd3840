// Plans from a name, a file's text, and flags.
#include "control/rollout/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/rollout/rollouts.hpp"

namespace sluice::rollout {
namespace {

using protocol::Exit;
using protocol::RolloutStart;
using ::testing::HasSubstr;

RolloutStart steps(protocol::Strings texts) {
  RolloutStart message;
  message.steps = std::move(texts);
  return message;
}

TEST(Plan, OfTheConfigurationByName) {
  RolloutStart message;
  message.plan = "p";
  const std::vector<config::PlanSpec> configured = {plan_of_steps({kWhole})};
  EXPECT_EQ(*plan_of(message, configured), configured[0]);
  message.plan = "q";
  const auto missing = plan_of(message, configured);
  EXPECT_EQ(missing.error().exit, Exit::not_found);
  EXPECT_THAT(missing.error().suggestion, HasSubstr("p"));
}

TEST(Plan, OfAFileWithPlaces) {
  RolloutStart message;
  message.plan_text = "steps: [{share: 5%, hold: 1m}]\ngates: [{metric: p95, max: 1s}]\n";
  message.plan_file = "p.yaml";
  EXPECT_EQ(plan_of(message, {})->gates[0].max, 1.0);
  message.plan_text = "steps: [{share: 5%}]\ngates: [{metric: p96, max: 1s}]\n";
  const auto bad = plan_of(message, {});
  EXPECT_EQ(bad.error().exit, Exit::usage);
  EXPECT_THAT(bad.error().detail, HasSubstr("p.yaml:2:"));
}

TEST(Plan, OfFlags) {
  RolloutStart message = steps({"5%", "25%:1h", "100%"});
  message.hold = 10min;
  message.min_requests = 7;
  message.limits.max_error_rate = "5%";
  message.limits.max_error_increase = "1%";
  message.limits.max_p95 = 500ms;
  message.limits.max_p95_increase = 20ms;
  message.limits.exec = {"true"};
  message.checks.verify = {"/health"};
  const auto plan = *plan_of(message, {});
  EXPECT_EQ(plan.steps[0].hold, 10min);
  EXPECT_EQ(plan.steps[1].hold, 1h);
  EXPECT_EQ(plan.min_requests, 7u);
  ASSERT_EQ(plan.gates.size(), 5u);
  EXPECT_EQ(plan.gates[0].max, 0.05);
  EXPECT_TRUE(plan.gates[1].against_stable);
  EXPECT_EQ(plan.gates[1].max_increase, 0.01);
  EXPECT_EQ(plan.gates[2].max, 0.5);
  EXPECT_EQ(plan.gates[3].max_increase, 0.02);
  EXPECT_EQ(plan.gates[4].exec, "true");
  EXPECT_EQ(plan.verify[0].path, "/health");
}

TEST(Plan, BadFlagsAreNamed) {
  EXPECT_THAT(plan_of(steps({"5"}), {}).error().detail, HasSubstr("'5'"));
  EXPECT_THAT(plan_of(steps({"5%:x"}), {}).error().detail, HasSubstr("'x'"));
  EXPECT_THAT(plan_of(steps({"0%"}), {}).error().detail, HasSubstr("a step of 0 % does nothing"));
  EXPECT_THAT(plan_of(steps({"50%", "5%"}), {}).error().detail, HasSubstr("must rise"));
  RolloutStart message = steps({"5%"});
  message.limits.max_error_rate = "much";
  EXPECT_EQ(plan_of(message, {}).error().field, "max_error_rate");
  message.limits.max_error_rate.clear();
  message.checks.verify = {"health"};
  EXPECT_EQ(plan_of(message, {}).error().field, "verify");
}

TEST(Plan, WhatAMessageMayHold) {
  RolloutStart message;
  EXPECT_EQ(check(message)->field, "services");
  message.service = "api";
  EXPECT_EQ(check(message)->field, "to");
  message.to = "green";
  EXPECT_EQ(check(message)->field, "plan");
  message.plan = "p";
  EXPECT_FALSE(check(message));
  message.limits.max_p95 = 1s;
  EXPECT_EQ(check(message)->field, "steps");
  message.steps = {"5%"};
  EXPECT_EQ(check(message)->field, "plan");
}

TEST(Plan, AWatchedCutoverIsOneStep) {
  protocol::Cutover message;
  message.watch_for = 15min;
  message.limits.max_error_rate = "5%";
  const auto plan = *watch_plan(message);
  ASSERT_EQ(plan.steps.size(), 1u);
  EXPECT_EQ(plan.steps[0].share, kWhole);
  EXPECT_EQ(plan.steps[0].hold, 15min);
  EXPECT_EQ(plan.gates.size(), 1u);
}

TEST(Checks, PathsWithTheirStatusAndCommands) {
  protocol::Checks wanted;
  wanted.verify = {"/health", "/health=204", "/x?a=b", "/x?a=b=200-299", "/x?code=404"};
  wanted.exec_before = {"./smoke"};
  wanted.exec_timeout = 5s;
  const auto made = checks_of(wanted);
  ASSERT_TRUE(made);
  ASSERT_EQ(made->size(), 6u);
  const std::tuple<const char*, int, int> rows[] = {{"/health", 200, 399},
                                                    {"/health", 204, 204},
                                                    {"/x?a=b", 200, 399},
                                                    {"/x?a=b", 200, 299},
                                                    {"/x?code", 404, 404}};
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_EQ(std::make_tuple((*made)[i].path, (*made)[i].expect_low, (*made)[i].expect_high),
              std::make_tuple(std::string(std::get<0>(rows[i])), std::get<1>(rows[i]), std::get<2>(rows[i])));
  EXPECT_EQ((*made)[5].exec, "./smoke");
  EXPECT_EQ((*made)[5].timeout, 5s);
  for (const char* wrong :
       {"health", "", "=200", "/h=20", "/h=600", "/h=2000", "/h=300-200", "/h=200-", "/h="}) {
    protocol::Checks one;
    one.verify = {wrong};
    EXPECT_FALSE(checks_of(one)) << wrong;
  }
}

TEST(Checks, AreAddedToThoseOfAnyPlan) {
  config::PlanSpec plan;
  plan.name = "p";
  plan.steps.resize(1);
  plan.steps[0].share = kWhole;
  plan.verify.emplace_back().path = "/mine";
  protocol::RolloutStart message;
  message.plan = "p";
  message.checks.exec_before = {"true"};
  EXPECT_EQ(plan_of(message, {plan})->verify.size(), 2u);
}

TEST(Steps, WithAMirror) {
  protocol::RolloutStart message;
  message.steps = {"0%+mirror:10%", "0%+mirror:50%:1m", "5%:10m"};
  const auto plan = plan_of(message, {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->steps[0].mirror, 10'000u);
  EXPECT_EQ(plan->steps[1].mirror, 50'000u);
  EXPECT_EQ(plan->steps[1].hold, 1min);
  EXPECT_EQ(plan->steps[2].hold, 10min);
}

}  // namespace
}  // namespace sluice::rollout
