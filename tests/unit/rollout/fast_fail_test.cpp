// G6: the sequential test on every answer.
#include "control/rollout/fast_fail.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sluice::rollout {
namespace {

int errors_until_tripped(const FastFail& test, std::int32_t score = 0) {
  int errors = 0;
  while (!test.tripped(score)) {
    score = test.next(score, true);
    ++errors;
  }
  return errors;
}

TEST(FastFail, ACanaryThatFailsEverythingTripsWithinTenWhateverIsTolerated) {
  for (const double tolerated : {0.0, 0.001, 0.01, 0.05, 0.2, 0.5, 0.9, 1.0, -1.0}) {
    const FastFail test = FastFail::tolerating(tolerated);
    EXPECT_EQ(errors_until_tripped(test), test.failures());
    EXPECT_LE(test.failures(), FastFail::kMostFailures) << tolerated;
  }
  EXPECT_EQ(FastFail::tolerating(std::numeric_limits<double>::quiet_NaN()).failures(),
            FastFail::tolerating(0).failures());
}

TEST(FastFail, AnOrdinaryServiceLeavesRoomForWhatIsUnderWay) {
  EXPECT_LE(FastFail::tolerating(tolerated_rate({}, 0.05)).failures(), 6);
}

TEST(FastFail, AnHourOfGoodAnswersDelaysNothing) {
  const FastFail test = FastFail::tolerating(0.01);
  std::int32_t score = 0;
  for (int i = 0; i < 1'000'000; ++i) score = test.next(score, false);
  EXPECT_EQ(errors_until_tripped(test, score), test.failures());
}

TEST(FastFail, FewErrorsAreForgotten) {
  const FastFail test = FastFail::tolerating(0.01);
  std::int32_t score = 0;
  for (int i = 0; i < 100'000; ++i) {
    score = test.next(score, i % 20 == 0);  // five in a hundred, evenly
    ASSERT_FALSE(test.tripped(score));
  }
}

TEST(FastFail, TheMoreIsToleratedTheLaterItTrips) {
  int last = 0;
  for (const double tolerated : {0.01, 0.02, 0.04, 0.06, 0.3}) {
    const int failures = FastFail::tolerating(tolerated).failures();
    EXPECT_GE(failures, last) << tolerated;
    last = failures;
  }
  EXPECT_EQ(last, FastFail::kMostFailures);
}

TEST(FastFail, WhatIsToleratedFollowsStableAndTheLimit) {
  EXPECT_DOUBLE_EQ(tolerated_rate({}, 0), FastFail::kLeastTolerated);
  EXPECT_DOUBLE_EQ(tolerated_rate({}, 0.5), 0.1);
  EXPECT_NEAR(tolerated_rate({100'000, 4'000}, 0.05), 0.04, 0.001);
  EXPECT_LT(tolerated_rate({3, 3}, 0), 0.05);  // a little knowledge moves it a little
}

}  // namespace
}  // namespace sluice::rollout
