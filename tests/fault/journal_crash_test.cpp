// T1, C3: the power goes at every step; what was not synced is lost, wholly or in part.
#include <gtest/gtest.h>

#include "support/journal_script.hpp"

namespace sluice {
namespace {

using testing::JournalScript;

constexpr int kChanges = 18;
constexpr std::uint64_t kSeed = 20'250'131;

TEST(JournalCrash, NothingAcknowledgedIsLostAtAnyStep) {
  RecordProperty("seed", std::to_string(kSeed));
  JournalScript whole;
  whole.run(kChanges);
  for (std::size_t n = 1; n <= whole.files.steps(); ++n)
    for (std::uint64_t variant = 0; variant < 3; ++variant) {
      std::mt19937_64 random(kSeed + n * 100 + variant);
      JournalScript script;
      script.files.set_plan({.power_off_after = n});
      script.run(kChanges);
      script.files.crash(variant == 0 ? nullptr : &random);
      ASSERT_EQ(script.fault(), "") << "power off after step " << n << ", variant " << variant;
      script.run(3);
      ASSERT_EQ(script.fault(), "") << "going on after step " << n << ", variant " << variant;
    }
}

// A daemon that crashes, recovers, crashes while it recovers, and so on.
TEST(JournalCrash, NothingIsLostInASeriesOfCrashes) {
  RecordProperty("seed", std::to_string(kSeed));
  for (std::uint64_t series = 0; series < 12; ++series) {
    std::mt19937_64 random(kSeed + series);
    JournalScript script;
    for (int crash = 0; crash < 15; ++crash) {
      script.files.set_plan({.power_off_after = 1 + random() % 40});
      script.run(kChanges);
      script.files.crash(&random);
      ASSERT_EQ(script.fault(), "") << "series " << series << ", crash " << crash;
    }
    EXPECT_GT(script.acknowledged, 20u);
  }
}

// The disk refuses, changes are published not durable (C7), and then the power goes: what was durable is
// still there.
TEST(JournalCrash, AfterAFailingDisk) {
  for (std::size_t n = 1; n < 60; ++n)
    for (std::uint64_t variant = 0; variant < 3; ++variant) {
      std::mt19937_64 random(kSeed + n * 10 + variant);
      JournalScript script;
      script.publish_undurable = true;
      script.files.set_plan({.fail_from = n, .fail_to = n + 5, .power_off_after = n + 3 + random() % 12});
      script.run(kChanges);
      script.files.crash(variant == 0 ? nullptr : &random);
      ASSERT_EQ(script.fault(), "") << "step " << n << ", variant " << variant;
    }
}

}  // namespace
}  // namespace sluice
