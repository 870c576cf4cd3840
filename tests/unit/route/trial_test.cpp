// The cohorts of a rollout's judge: who is in them.
#include "proxy/route/trial.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::route {
namespace {

using config::kWhole;
using config::Share;

bool within(const Places& part, const Places& whole) {
  for (std::uint32_t slot = 0; slot < kSlots; ++slot)
    if (part.contains(slot) && !whole.contains(slot)) return false;
  return true;
}

TEST(Places, HoldWhatTheirIntervalsHold) {
  const Places places({{10, 12}, {3, 4}, {90'000, 100'000}});
  for (const std::uint32_t in : {3u, 10u, 11u, 90'000u, 99'999u}) EXPECT_TRUE(places.contains(in)) << in;
  for (const std::uint32_t out : {0u, 2u, 4u, 9u, 12u, 89'999u}) EXPECT_FALSE(places.contains(out)) << out;
  EXPECT_EQ(places.size(), 10'003u);
  EXPECT_FALSE(Places().contains(0));
}

TEST(Cohorts, AreAsLargeAsTheyShallBeAndOfThePoolsUsers) {
  SlotTable table(2, 0);
  table.apply(std::vector<Share>{95'000, 5'000});
  const auto owners = table.owners();
  const Places cohort = lowest(table, 0, 5'000);
  EXPECT_EQ(cohort.size(), 5'000u);
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    if (cohort.contains(slot)) {
      ASSERT_EQ(owners[slot], 0) << slot;
    }
  }
  EXPECT_EQ(lowest(table, 1, 50'000).size(), 5'000u) << "all that it has";
  EXPECT_EQ(lowest(table, 0, 0).size(), 0u);
}

// Also after a history of shares in which the pools gave and got, and the stack has several runs.
TEST(Cohorts, OfALargerCanaryHaveInThemThatOfASmallerOne) {
  SlotTable table(3, 2);
  for (const auto& shares :
       std::vector<std::vector<Share>>{{60'000, 0, 40'000}, {60'000, 40'000, 0}, {100'000, 0, 0}})
    table.apply(shares);
  ASSERT_GT(table.stacks()[0].size(), 1u);
  Places before;
  for (const Share canary : {1'000u, 5'000u, 25'000u, 50'000u}) {
    table.apply(std::vector<Share>{kWhole - canary, canary, 0});
    const Places cohort = lowest(table, 0, canary);
    EXPECT_EQ(cohort.size(), canary);
    EXPECT_TRUE(within(before, cohort)) << canary;
    before = cohort;
  }
}

TEST(Cohorts, OfThoseWhoAreToMoveAreTheyWhoDo) {
  SlotTable table(2, 0);
  const std::vector<Share> then = {80'000, 20'000};
  const Places moving = given_away(table, 0, then);
  EXPECT_EQ(moving.size(), 20'000u);
  table.apply(then);
  const auto owners = table.owners();
  for (std::uint32_t slot = 0; slot < kSlots; ++slot)
    ASSERT_EQ(moving.contains(slot), owners[slot] == 1) << slot;
}

TEST(Cohorts, OfPointsLieAtTheEndsOfThePool) {
  EXPECT_EQ(first_points(30'000, 60'000, 5'000), Places({{30'000, 35'000}}));
  EXPECT_EQ(last_points(30'000, 60'000, 5'000), Places({{85'000, 90'000}}));
  EXPECT_EQ(last_points(30'000, 1'000, 5'000), Places({{30'000, 31'000}}));
}

TEST(Trials, TellTheArmsOfARequestApart) {
  Trial trial;
  trial.canary_pool = 1;
  trial.control_pool = 0;
  EXPECT_EQ(trial.arm_of(1, 7, true), Trial::Arm::canary);
  EXPECT_EQ(trial.arm_of(0, 7, true), Trial::Arm::control) << "all of the pool";
  EXPECT_EQ(trial.arm_of(2, 7, true), Trial::Arm::none);
  trial.control = std::make_shared<Cohort>(Cohort{Places({{90, 100}}), Places({{0, 5}})});
  EXPECT_EQ(trial.arm_of(0, 7, true), Trial::Arm::none);
  EXPECT_EQ(trial.arm_of(0, 95, true), Trial::Arm::control);
  EXPECT_EQ(trial.arm_of(0, 95, false), Trial::Arm::none) << "a point is no slot";
  EXPECT_EQ(trial.arm_of(0, 3, false), Trial::Arm::control);
  trial.canary_pool = 0;  // the stable pool against itself
  trial.canary = std::make_shared<Cohort>(Cohort{Places({{0, 10}}), Places({{50, 55}})});
  EXPECT_EQ(trial.arm_of(0, 7, true), Trial::Arm::canary);
  EXPECT_EQ(trial.arm_of(0, 95, true), Trial::Arm::control);
  EXPECT_EQ(trial.arm_of(0, 50, true), Trial::Arm::none);
}

}  // namespace
}  // namespace sluice::route
