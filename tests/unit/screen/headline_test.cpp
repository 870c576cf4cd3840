// What an operator reads first.
#include "control/screen/headline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/screen/statuses.hpp"

namespace sluice::screen {
namespace {

using ::testing::HasSubstr;
using namespace testing;  // NOLINT: statuses.hpp

Headline headline(const std::string& described) { return headline_of(status_of(described).services.at(0)); }

TEST(Headline, ARolloutSaysWhereItIsWhatItWaitsForAndWhatTakesItBack) {
  const auto at = headline(service("api", 0.25, kRollout));
  EXPECT_EQ(at.word, "SHIFTING");
  EXPECT_EQ(at.what, "step 2 of 3: 25% to green");
  EXPECT_EQ(at.left, "at least 1h 6m to the end");
  EXPECT_EQ(at.waits, "6m 12s of the hold; 30 more requests to green; proof of error_rate vs blue");
  EXPECT_EQ(at.gates, "2 pass, 1 undecided");
  EXPECT_EQ(at.back, "sluicectl rollback api");
}

TEST(Headline, WhereAnOperatorMustActNoTimeIsPromised) {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string rollout = kRollout;
    return headline(service("api", 0.25, rollout.replace(rollout.find(from), from.size(), to)));
  };
  EXPECT_EQ(with(R"("hold":"1h"})", R"("hold":"1h","approve":true})").left, "");
  const auto paused = with(R"("running")", R"("paused")");
  EXPECT_EQ(paused.word, "HELD");
  EXPECT_EQ(paused.left, "");
  EXPECT_EQ(paused.waits, "holding, 7m left");
}

TEST(Headline, AGateThatFailsIsSaid) {
  std::string rollout = kRollout;
  rollout.replace(rollout.find("insufficient"), 12, "fail");
  const auto at = headline(service("api", 0.25, rollout));
  EXPECT_EQ(at.word, "FAILING");
  EXPECT_EQ(at.gates, "1 FAIL, 2 pass");
}

const std::string kBack =
    R"("rollout":{"state":"rolled_back","active":false,"from":"blue","to":"green","steps":3,
  "ended":"2026-11-28T14:09:11.000Z","why":"error_rate max 5 %: too many"})";

TEST(Headline, WhatWentBackIsToldAsLongAsItIsSo) {
  EXPECT_EQ(headline(service("api", 0, kBack)).word, "WENT BACK");
  EXPECT_EQ(headline(service("api", 0, kBack)).what,
            "100% to blue at 14:09:11: error_rate max 5 %: too many");
  EXPECT_EQ(headline(service("api", 0.5, kBack)).word, "SPLIT");
}

TEST(Headline, QuietTimesHaveNothingToTakeBack) {
  const auto at = headline(service("api", 0));
  EXPECT_EQ(at.word, "STEADY");
  EXPECT_EQ(at.what, "blue 100%");
  EXPECT_EQ(at.back, "");
  EXPECT_EQ(at.rank, 0);
}

TEST(Headline, WhatIsHeldRefusedOrUnconfirmedComesBeforeShares) {
  const auto paused =
      headline(service("api", 0.25, R"("traffic":{"state":"paused","held":12,"in_flight":0})"));
  EXPECT_EQ(paused.word + ": " + paused.now, "PAUSED: 12 held, nothing in flight");
  EXPECT_EQ(paused.back, "sluicectl resume api");
  const auto unconfirmed = headline(service("api", 0.25, R"("unconfirmed":{"reverts_in_ms":27400})"));
  EXPECT_EQ(unconfirmed.left, "goes back in 28s");
  EXPECT_EQ(unconfirmed.waits, "sluicectl confirm api");
  EXPECT_EQ(headline(service("api", 0, R"("set_aside":"its certificate is missing")")).word, "SET ASIDE");
}

TEST(Headline, APoolWithAShareAndNoBackendIsAnAlarm) {
  const auto status =
      status_of("\"api\":{\"stable\":\"blue\",\"pools\":{" +
                pool("blue", 1, R"("b":{"admin":"ready","health":"down","eligible":false})") + "}}");
  EXPECT_THAT(alarms_of(status.services.at(0)),
              ::testing::ElementsAre(HasSubstr("NO BACKEND takes the requests of blue")));
  EXPECT_TRUE(alarms_of(status_of(service("api", 0.25)).services.at(0)).empty());
}

}  // namespace
}  // namespace sluice::screen
