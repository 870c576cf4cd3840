// What an operator reads first.
#include "control/screen/headline.hpp"

#include <gtest/gtest.h>

#include "unit/screen/statuses.hpp"

namespace sluice::screen {
namespace {

using namespace testing;  // NOLINT: statuses.hpp

Headline headline(const std::string& described) { return headline_of(status_of(described).services.at(0)); }

TEST(Headline, ARolloutSaysHowItGoesWhatItWaitsForAndWhatTakesItBack) {
  const auto at = headline(service("api", 0.25, kRollout));
  EXPECT_EQ(at.word, "HOLDING");
  EXPECT_EQ(at.what, "25 % of the requests go to green");
  EXPECT_EQ(at.left, "at least 1h 6m to the end");
  EXPECT_EQ(at.waits, "6 min 12 s, 30 more requests to green, proof of 1 gate");
  EXPECT_EQ(at.next, "");
  EXPECT_EQ(at.back, "sluicectl rollback api");
  EXPECT_FALSE(at.steady);
}

TEST(Headline, WhereAnOperatorMustActNoTimeIsPromisedAndTheCommandIsSaid) {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string rollout = kRollout;
    return headline(service("api", 0.25, rollout.replace(rollout.find(from), from.size(), to)));
  };
  EXPECT_EQ(with(R"("hold":"1h"})", R"("hold":"1h","approve":true})").left, "");
  EXPECT_EQ(with(R"("25%","hold":"10m"})", R"("25%","hold":"10m","approve":true})").next,
            "sluicectl rollout promote api");
  const auto paused = with(R"("running")", R"("paused")");
  EXPECT_EQ(paused.word, "PAUSED");
  EXPECT_EQ(paused.left, "");
  EXPECT_EQ(paused.next, "sluicectl rollout resume api");
}

TEST(Headline, QuietTimesHaveNothingToTakeBack) {
  const auto at = headline(service("api", 0));
  EXPECT_EQ(at.word, "STEADY");
  EXPECT_EQ(at.what, "All requests go to blue");
  EXPECT_EQ(at.back, "");
  EXPECT_TRUE(at.steady);
}

TEST(Headline, WhatIsHeldOrUnconfirmedSaysWhatToType) {
  const auto paused =
      headline(service("api", 0.25, R"("traffic":{"state":"paused","held":12,"in_flight":0})"));
  EXPECT_EQ(paused.word + ": " + paused.what, "PAUSED: 12 requests on hold");
  EXPECT_EQ(paused.next, "sluicectl resume api");
  const auto unconfirmed = headline(service("api", 0.25, R"("unconfirmed":{"reverts_in_ms":27400})"));
  EXPECT_EQ(unconfirmed.waits, "you: without a confirmation it reverts in 28 s");
  EXPECT_EQ(unconfirmed.next, "sluicectl confirm api");
  const auto aside = headline(service("api", 0.25, R"("set_aside":"its certificate is missing")"));
  EXPECT_EQ(aside.next + aside.back, "");
}

TEST(Headline, TheDaemonsOwnWordsCount) {
  const auto at = headline(service("api", 0, R"("headline":{"rank":3,"tone":"bad","word":"rolled back",
      "text":"All requests go to blue again","how":"Why: error_rate max 5 %: too many"})"));
  EXPECT_EQ(at.word, "ROLLED BACK");
  EXPECT_EQ(at.ink, Ink::bad);
  EXPECT_EQ(at.how, "Why: error_rate max 5 %: too many");
  EXPECT_EQ(at.rank, 3u);
}

TEST(Headline, StepsAndGatesForLinesThatMoveWithNoTime) {
  auto rollout = *status_of(service("api", 0.25, kRollout)).services.at(0).rollout;
  EXPECT_EQ(step_text(rollout), "step 2 of 3: 25% to green");
  EXPECT_EQ(gates_summary(rollout), "2 pass, 1 undecided");
  rollout.gates[0].verdict = "fail";
  EXPECT_EQ(gates_summary(rollout).substr(0, 6), "1 FAIL");
}

}  // namespace
}  // namespace sluice::screen
