// What is laid over a service's shares: as changes, in the journal's JSON, over a reload and an undo.
#include "control/state/traffic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/state/merge.hpp"
#include "control/state/state_json.hpp"
#include "support/specs.hpp"

namespace sluice::state {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

State configured() { return from_spec(testing::two_services()); }

ServiceState read_back(const ServiceState& service) {
  const auto restored = service_from_json(to_json(service));
  EXPECT_TRUE(restored) << restored.error().why;
  return restored ? *restored : ServiceState{};
}

TEST(TrafficP1, PauseStopAndResumeEachNameWhatTakesThemBack) {
  const State open = configured();
  const auto paused = pause(open, "api", 10s, 0);
  ASSERT_TRUE(paused && paused->changed);
  EXPECT_EQ(paused->next.generation, open.generation + 1);
  EXPECT_EQ(paused->undo, "sluicectl resume api");
  EXPECT_EQ(paused->before, "api open");
  EXPECT_EQ(paused->after, "api paused 10s");
  const auto stopped = stop(paused->next, "api", "it's late");
  ASSERT_TRUE(stopped && stopped->changed);
  EXPECT_EQ(stopped->undo, "sluicectl pause api --max-hold 10s");
  const auto resumed = resume(stopped->next, "api");
  ASSERT_TRUE(resumed && resumed->changed);
  EXPECT_EQ(resumed->undo, "sluicectl stop api --message 'it'\\''s late'");
  EXPECT_EQ(resumed->next.service("api")->hold, std::nullopt);
  EXPECT_FALSE(resume(resumed->next, "api")->changed);
  EXPECT_FALSE(pause(paused->next, "api", 10s, 0)->changed);
}

TEST(TrafficP1, WhatCannotBeIsRefused) {
  EXPECT_EQ(pause(configured(), "apj", 10s, 0).error().exit, protocol::Exit::not_found);
  EXPECT_EQ(pause(configured(), "api", 0s, 0).error().field, "max_hold");
  EXPECT_EQ(stop(configured(), "api", std::string(kLongestMessage + 1, 'x')).error().field, "message");
}

TEST(TrafficT1, TheJournalKeepsAPauseAndAStop) {
  for (const auto& change :
       {*pause(configured(), "api", 1500ms, 7), *stop(configured(), "api", "\"no\"\n")}) {
    const ServiceState& service = *change.next.service("api");
    EXPECT_TRUE(read_back(service) == service);
  }
  auto broken = to_json(*pause(configured(), "api", 1s, 0)->next.service("api"));
  broken["hold"].as_object()["kind"] = "resting";
  EXPECT_FALSE(service_from_json(broken));
}

TEST(TrafficT2, AReloadKeepsAPause) {
  const State paused = pause(configured(), "api", 10s, 0)->next;
  auto spec = testing::two_services();
  spec.services[0].split = {{"blue", 50'000}, {"green", 50'000}};
  const auto merged = merge(paused, spec);
  EXPECT_EQ(merged.state.service("api")->hold, paused.service("api")->hold);
}

TEST(TrafficC7, UndoBringsBackWhatWasLaidOver) {
  const State open = configured();
  const State paused = pause(open, "api", 10s, 0)->next;
  EXPECT_EQ(undo(paused, open)->next.service("api")->hold, std::nullopt);
  EXPECT_TRUE(undo(open, paused)->next.service("api")->hold.has_value());
}

}  // namespace
}  // namespace sluice::state
