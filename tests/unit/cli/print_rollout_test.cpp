// What `rollout status` and `--follow` show.
#include "control/cli/print_rollout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

protocol::RolloutStatus rollout(const char* gates) {
  auto out = boost::json::parse(R"({"state":"running","active":true,"from":"blue","to":"green","plan":"",
    "step":1,"steps":3,"share":0.05,"waits_for":"holding, 3s left","why":"","started":"then","started_by":"uid 0",
    "requests":{"canary":7,"stable":90},"log":[]})")
                 .as_object();
  out["gates"] = boost::json::parse(gates);
  return protocol::answer_from<protocol::RolloutStatus>(out);
}

constexpr const char* kGates = R"([
  {"gate":"error_rate max 5 %","verdict":"insufficient","warn":false,"n_canary":7,"value":0,"lower":0,"upper":0.4593,
   "limit":0.05,"warn_limit":0.01,"unit":"rate","why":"no proof yet"},
  {"gate":"p95 max 500 ms","verdict":"pass","warn":false,"n_canary":7,"value":0.002431,"lower":0.000229,"upper":null,
   "limit":0.5,"warn_limit":null,"unit":"seconds","why":"fast"},
  {"gate":"p95 of my own","verdict":"insufficient","warn":false,"n_canary":0,"value":null,"lower":null,"upper":null,
   "limit":3,"why":"connection refused"}])";

TEST(PrintRollout, NumbersHaveTheUnitOfTheirGate) {
  const auto text = render_rollout_line(rollout(kGates));
  EXPECT_THAT(text, HasSubstr("running, step 1 of 3 (5%); 7 requests to green, 90 to blue"));
  EXPECT_THAT(text, HasSubstr("error_rate max 5 %, warn 1%: 0% (0% to 45.9%) insufficient"));
  EXPECT_THAT(text, HasSubstr("p95 max 500 ms: 2.43 ms (from 0.229 ms) pass"));
  EXPECT_THAT(text, HasSubstr("p95 of my own: - (-) insufficient"));
}

TEST(PrintRollout, TheTableShowsWarnLimitsAndThoseInStep) {
  auto one = rollout(kGates);
  one.others = {rollout(kGates)};
  one.others.front().name = "web";
  one.mirror = 10'000;
  const auto text = render_rollout(one, "api", Style{});
  EXPECT_THAT(text, HasSubstr("5% (warn 1%)"));
  EXPECT_THAT(text, HasSubstr("step 1 of 3 (5%, mirror 10%)"));
  EXPECT_THAT(text, HasSubstr("7 mirrored requests to green"));
  EXPECT_THAT(text, HasSubstr("in step with it: web, 7 requests to green"));
  EXPECT_THAT(render_rollout_line(one), HasSubstr("; web; 7 requests to green"));
}

TEST(PrintRollout, WhatDoesNotPassSaysWhy) {
  const auto text = render_rollout(rollout(kGates), "api", Style{});
  EXPECT_THAT(text, HasSubstr("error_rate max 5 %: no proof yet"));
  EXPECT_THAT(text, HasSubstr("p95 of my own: connection refused"));
  EXPECT_THAT(text, Not(HasSubstr("fast")));
  EXPECT_THAT(text, HasSubstr("waiting   holding, 3s left"));
}

TEST(PrintRollout, ALandmarkMovesWithStepsAndVerdictsOnly) {
  auto other = rollout(kGates);
  other.requests.canary = 900;
  other.waits_for = "holding, 1s left";
  EXPECT_EQ(rollout_landmark(rollout(kGates)), rollout_landmark(other));
  other.step = 2;
  EXPECT_NE(rollout_landmark(rollout(kGates)), rollout_landmark(other));
  EXPECT_NE(rollout_landmark(rollout(kGates)), rollout_landmark(rollout("[]")));
}

}  // namespace
}  // namespace sluice::cli
