// Rates between polls.
#include "control/screen/trend.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::screen {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::Optional;

protocol::Status counted(std::uint64_t requests, std::uint64_t errors) {
  protocol::PoolStatus pool;
  pool.name = "blue";
  pool.requests = requests;
  pool.errors = errors;
  protocol::ServiceStatus service;
  service.name = "api";
  service.pools = {pool};
  protocol::Status status;
  status.services = {service};
  return status;
}

TEST(Trends, WhatHappenedBetweenTwoPolls) {
  Trends trends;
  const Trends::Clock::time_point start;
  trends.add(counted(1000, 10), start);
  trends.add(counted(1100, 11), start + seconds(2));
  trends.add(counted(1100, 11), start + seconds(3));
  EXPECT_THAT(trends.of("api", "blue", &Sample::rate),
              ElementsAre(std::nullopt, Optional(50.0), Optional(0.0)));
  EXPECT_THAT(trends.of("api", "blue", &Sample::errors),
              ElementsAre(std::nullopt, Optional(0.01), std::nullopt));
  EXPECT_TRUE(trends.of("api", "green", &Sample::rate).empty());
}

TEST(Trends, ADaemonThatBeganAnewAndSilenceAreGaps) {
  Trends trends;
  const Trends::Clock::time_point start;
  trends.add(counted(1000, 0), start);
  trends.add(counted(5, 0), start + seconds(1));
  trends.add_gap();
  trends.add(counted(500, 0), start + seconds(9));
  trends.add(counted(510, 0), start + seconds(10));
  EXPECT_THAT(trends.of("api", "blue", &Sample::rate),
              ElementsAre(std::nullopt, std::nullopt, std::nullopt, std::nullopt, Optional(10.0)));
}

TEST(Trends, KeepsNoMoreThanIsShownAndForgetsWhatIsGone) {
  Trends trends;
  for (int i = 0; i < 1000; ++i) trends.add(counted(0, 0), Trends::Clock::time_point(seconds(i)));
  EXPECT_EQ(trends.of("api", "blue", &Sample::rate).size(), Trends::kMost);
  trends.add({}, Trends::Clock::time_point(seconds(1000)));
  EXPECT_TRUE(trends.of("api", "blue", &Sample::rate).empty());
}

TEST(Trends, KeepsLessOfEachOfThousands) {
  protocol::Status status;
  for (int i = 0; i < 2'000; ++i) {
    status.services.push_back(counted(0, 0).services.front());
    status.services.back().name = "api-" + std::to_string(i);
  }
  Trends trends;
  for (int i = 0; i < 100; ++i) trends.add(status, Trends::Clock::time_point(seconds(i)));
  EXPECT_EQ(trends.of("api-7", "blue", &Sample::rate).size(), Trends::kOfAll / 2'000);
}

}  // namespace
}  // namespace sluice::screen
