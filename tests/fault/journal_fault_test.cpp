// T1, C7: the same script with a failing disk at every step.
#include <gtest/gtest.h>

#include "support/journal_script.hpp"

namespace sluice {
namespace {

using testing::JournalScript;
using testing::MemoryFiles;

constexpr int kFaultyChanges = 18;

std::size_t steps_of_a_run() {
  JournalScript script;
  script.run(kFaultyChanges);
  return script.files.steps();
}

// The disk fails for `length` steps from step n on, then recovers.
void fail_everywhere(std::size_t length, int code, bool publish_undurable) {
  const std::size_t steps = steps_of_a_run();
  ASSERT_GT(steps, 60u);
  for (std::size_t n = 1; n <= steps; ++n) {
    JournalScript script;
    script.publish_undurable = publish_undurable;
    script.files.set_plan({.fail_from = n, .fail_to = n + length - 1, .code = code});
    script.run(kFaultyChanges);
    script.files.set_plan({});
    EXPECT_EQ(script.fault(), "") << "failing from step " << n;
    if (publish_undurable) {
      EXPECT_GE(script.attempted.rbegin()->first, kFaultyChanges + 1u);
    }
    script.run(3);
    EXPECT_EQ(script.fault(), "") << "going on after step " << n;
  }
}

TEST(JournalFault, OneStepFails) { fail_everywhere(1, ENOSPC, false); }
TEST(JournalFault, OneStepFailsAndTheChangeIsPublished) { fail_everywhere(1, EIO, true); }
TEST(JournalFault, TheDiskFailsForAWhile) { fail_everywhere(12, ENOSPC, false); }
TEST(JournalFault, TheDiskFailsForAWhileAndChangesArePublished) { fail_everywhere(12, EIO, true); }

TEST(JournalFault, WhatWasPublishedDuringAFailureIsDurableAfterIt) {  // C7
  const std::size_t steps = steps_of_a_run();
  for (std::size_t n = 5; n + 20 < steps; ++n) {
    JournalScript script;
    script.publish_undurable = true;
    script.files.set_plan({.fail_from = n, .fail_to = n + 3});
    script.run(kFaultyChanges);
    EXPECT_EQ(script.acknowledged, kFaultyChanges + 1u) << "failing from step " << n;
    EXPECT_EQ(script.fault(), "");
  }
}

}  // namespace
}  // namespace sluice
