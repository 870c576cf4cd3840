// Pause, stop, flags and mirror of a service: as changes, in the journal's JSON, over a reload and an undo.
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

TEST(TrafficF1, AFlagIsSetChangedAndTakenAway) {
  const auto set = set_flag(configured(), "api", "a", 10'000, "{\"x\":1}");
  ASSERT_TRUE(set && set->changed);
  EXPECT_EQ(set->undo, "sluicectl flag rm a --service api");
  EXPECT_EQ(set->after, "api flag a 10%");
  const auto raised = set_flag(set->next, "api", "a", 50'000, std::nullopt);
  EXPECT_EQ(raised->next.service("api")->flag("a")->config, "{\"x\":1}") << "left out: it stays";
  EXPECT_EQ(raised->undo, "sluicectl flag set a 10% --service api --config '{\"x\":1}'");
  EXPECT_FALSE(set_flag(raised->next, "api", "a", 50'000, std::nullopt)->changed);
  EXPECT_EQ(set_flag(raised->next, "api", "a", 50'000, "")->after, "api flag a 50% with another config");
  const auto both = set_flag(raised->next, "web", "a", 1, std::nullopt);
  EXPECT_EQ(remove_flag(both->next, "a", "web")->next.service("api")->flags.size(), 1u);
  EXPECT_EQ(remove_flag(both->next, "a", "")->next.service("api")->flags.size(), 0u);
  EXPECT_EQ(remove_flag(set->next, "a", "web").error().exit, protocol::Exit::not_found);
}

TEST(TrafficF1, NamesThatAHeaderCannotCarryAndTooManyAreRefused) {
  for (const char* name : {"", "a,b", "a=b", "a b", "\xc3\xa4"})
    EXPECT_EQ(set_flag(configured(), "api", name, 1, std::nullopt).error().field, "flag") << name;
  State state = configured();
  for (std::size_t i = 0; i < kMostFlags; ++i)
    state = set_flag(state, "api", "f" + std::to_string(i), 1, std::nullopt)->next;
  EXPECT_EQ(set_flag(state, "api", "more", 1, std::nullopt).error().exit, protocol::Exit::refused);
  EXPECT_TRUE(set_flag(state, "api", "f7", 2, std::nullopt)) << "changing one is no more";
}

TEST(TrafficM1, AMirrorNamesAPoolAndAShare) {
  const auto set = set_mirror(configured(), "api", route::Mirror{"green", 10'000, false});
  ASSERT_TRUE(set && set->changed);
  EXPECT_EQ(set->undo, "sluicectl mirror api --off");
  EXPECT_EQ(set_mirror(set->next, "api", std::nullopt)->undo, "sluicectl mirror api --to green --share 10%");
  EXPECT_EQ(set_mirror(configured(), "api", route::Mirror{"grean", 1, false}).error().exit,
            protocol::Exit::not_found);
  EXPECT_EQ(set_mirror(configured(), "api", route::Mirror{"green", 0, false}).error().field, "share");
}

TEST(TrafficT1, TheJournalKeepsFlagsAndMirrors) {
  State state = set_flag(configured(), "api", "b", 10'000, "[1]")->next;
  state = set_flag(state, "api", "a", 1, std::nullopt)->next;
  state = set_mirror(state, "api", route::Mirror{"green", 500, true})->next;
  const ServiceState& service = *state.service("api");
  EXPECT_TRUE(read_back(service) == service);
  auto broken = to_json(service);
  broken["mirror"].as_object()["pool"] = "grean";
  EXPECT_FALSE(service_from_json(broken));
}

TEST(TrafficT2, AMirrorWhosePoolIsGoneIsOffAndNamed) {
  const State state = set_mirror(configured(), "web", route::Mirror{"green", 500, true})->next;
  auto spec = testing::two_services();
  spec.services[1] = testing::service_spec("web", {{"blue", 100'000}});
  const auto merged = merge(state, spec);
  EXPECT_EQ(merged.state.service("web")->mirror, std::nullopt);
  EXPECT_THAT(merged.conflicts, ::testing::Contains(HasSubstr("the mirror is off")));
}

TEST(TrafficT2, AReloadKeepsAPause) {
  const State paused = pause(configured(), "api", 10s, 0)->next;
  auto spec = testing::two_services();
  spec.services[0].split = {{"blue", 50'000}, {"green", 50'000}};
  const auto merged = merge(paused, spec);
  EXPECT_EQ(merged.state.service("api")->hold, paused.service("api")->hold);
}

TEST(TrafficC7, UndoEndsAPauseAndBringsOneBack) {
  const State open = configured();
  const State paused = pause(open, "api", 10s, 0)->next;
  EXPECT_EQ(undo(paused, open)->next.service("api")->hold, std::nullopt);
  EXPECT_TRUE(undo(open, paused)->next.service("api")->hold.has_value());
}

}  // namespace
}  // namespace sluice::state
