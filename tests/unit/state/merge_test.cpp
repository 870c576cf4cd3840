#include "control/state/merge.hpp"

#include <gtest/gtest.h>

#include "control/state/apply.hpp"
#include "support/specs.hpp"

namespace sluice::state {
namespace {

using testing::backend_spec;
using testing::pool_spec;
using testing::service_spec;
using testing::two_services;
using Sentences = std::vector<std::string>;

const Target kFirstBlue{"api", "blue", "blue-1"};

State unmerged() { return from_spec(two_services()); }
config::BackendSpec& blue1(config::Spec& spec) { return spec.services[0].pools[0].backends[0]; }
Table api_split(const State& state) { return state.service("api")->split(); }
const PoolState& blue(const State& state) { return *state.service("api")->pool("blue"); }

State with_split(Share green) {
  return split(unmerged(), "api", {{"blue", kWhole - green}, {"green", green}})->next;
}

TEST(Merge, WithTheSameConfigurationKeepsEverything) {  // T2
  State state = with_split(50'000);
  state = set_admin(state, kFirstBlue, Admin::draining, 77)->next;
  state = set_weight(state, {"api", "blue", "blue-2"}, 9)->next;
  state = add_backend(state, {"web", "green", "extra"}, {"10.0.0.9:80", 2})->next;
  state = remove_backend(state, {"web", "blue", "blue-1"})->next;
  state = cutover(state, {{"web", "green"}})->next;
  const auto merged = merge(state, two_services());
  EXPECT_FALSE(merged.changed);
  EXPECT_EQ(merged.state, state);
  EXPECT_EQ(merged.conflicts, Sentences{});
  EXPECT_EQ(merged.changes, Sentences{});
}

TEST(Merge, TakesWhatTheConfigurationChangedWhereNothingWasOverridden) {
  auto spec = two_services();
  spec.services[0].split = {{"blue", 90'000}, {"green", 10'000}};
  const auto merged = merge(unmerged(), spec);
  EXPECT_TRUE(merged.changed);
  EXPECT_EQ(merged.state.generation, 2u);
  EXPECT_EQ(api_split(merged.state), (Table{{"blue", 90'000}, {"green", 10'000}}));
  EXPECT_EQ(merged.state.service("api")->slots.shares(), merged.state.service("api")->shares());
  EXPECT_EQ(merged.conflicts, Sentences{});
  EXPECT_EQ(merged.changes,
            (Sentences{"api: the split was blue=95% green=5%; the configuration says blue=90% "
                       "green=10% now"}));
}

TEST(Merge, LetsAChangedConfigurationWinAndNamesTheConflict) {  // T2
  auto spec = two_services();
  spec.services[0].split = {{"blue", 90'000}, {"green", 10'000}};
  const auto merged = merge(with_split(50'000), spec);
  EXPECT_EQ(api_split(merged.state), (Table{{"blue", 90'000}, {"green", 10'000}}));
  EXPECT_FALSE(merged.state.service("api")->configured_split);
  EXPECT_EQ(merged.conflicts,
            (Sentences{"api: the split was blue=50% green=50%, set at run time; the configuration "
                       "says blue=90% green=10% now"}));
}

TEST(Merge, AgreesSilentlyWhenTheConfigurationCaughtUp) {
  auto spec = two_services();
  spec.services[0].split = {{"blue", 50'000}, {"green", 50'000}};
  const auto merged = merge(with_split(50'000), spec);
  EXPECT_EQ(merged.conflicts, Sentences{});
  EXPECT_FALSE(merged.state.service("api")->configured_split);
}

TEST(Merge, ANewPoolWithoutShareDoesNotEndAnOverride) {
  auto spec = two_services();
  spec.services[0].pools.insert(spec.services[0].pools.begin(), pool_spec("red"));
  spec.services[0].split.insert(spec.services[0].split.begin(), {"red", 0});
  const State before = with_split(50'000);
  const auto merged = merge(before, spec);
  EXPECT_EQ(merged.conflicts, Sentences{});
  EXPECT_EQ(api_split(merged.state), api_split(before));
  const auto then = before.service("api")->slots.owners(), now = merged.state.service("api")->slots.owners();
  for (std::size_t slot = 0; slot < now.size(); ++slot)
    ASSERT_EQ(now[slot], then[slot] + 1);  // the same users
}

TEST(Merge, AVanishedPoolWithARunTimeShareIsAConflict) {
  auto spec = two_services();
  spec.services[0] = service_spec("api", {{"blue", 95'000}, {"red", 5'000}});
  const auto merged = merge(with_split(50'000), spec);
  EXPECT_EQ(api_split(merged.state), (Table{{"blue", 95'000}, {"red", 5'000}}));
  EXPECT_EQ(merged.conflicts.size(), 1u);
  EXPECT_EQ(merged.state.service("api")->slots.shares(), (std::vector<Share>{95'000, 5'000}));
}

TEST(Merge, AVanishedPoolLeavesTheStackOfStables) {
  auto spec = two_services();
  State state = cutover(unmerged(), {{"api", "green"}})->next;
  spec.services[0] = service_spec("api", {{"blue", 95'000}, {"red", 5'000}});
  const auto merged = merge(state, spec);
  EXPECT_EQ(merged.state.service("api")->stable_history, (std::vector<std::string>{"blue"}));
  EXPECT_FALSE(rollback(rollback(merged.state, {"api"})->next, {"api"})->changed);
}

TEST(Merge, ACutoverInTheConfigurationCanBeRolledBack) {
  auto spec = two_services();
  spec.services[1].split = {{"blue", 0}, {"green", kWhole}};
  spec.services[1].stable = "green";
  const auto merged = merge(unmerged(), spec);
  EXPECT_EQ(merged.state.service("web")->stable(), "green");
  EXPECT_EQ(rollback(merged.state, {"web"})->next.service("web")->split(), (Table{{"blue", kWhole}}));
}

TEST(Merge, KeepsAWeightWhoseConfigurationIsUnchangedAndDropsItElse) {  // T2
  const State state = set_weight(unmerged(), kFirstBlue, 9)->next;
  EXPECT_EQ(merge(state, two_services()).state.service("api")->pool("blue")->backend("blue-1")->weight, 9u);
  auto spec = two_services();
  blue1(spec).weight = 3;
  const auto merged = merge(state, spec);
  EXPECT_EQ(blue(merged.state).backend("blue-1")->weight, 3u);
  EXPECT_FALSE(blue(merged.state).backend("blue-1")->base_weight);
  EXPECT_EQ(merged.conflicts,
            (Sentences{"api/blue/blue-1: the weight was 9, set at run time; the configuration says 3 now"}));
}

TEST(Merge, KeepsTheAdminStateOverAnyChangeOfTheBackend) {  // H1: it is the operator's
  const State state = set_admin(unmerged(), kFirstBlue, Admin::maint)->next;
  auto spec = two_services();
  blue1(spec) = backend_spec("blue-1", "10.0.0.7:80", 4);
  const auto merged = merge(state, spec);
  EXPECT_EQ(blue(merged.state).backend("blue-1")->admin, Admin::maint);
  EXPECT_EQ(blue(merged.state).backend("blue-1")->address, "10.0.0.7:80");
  EXPECT_EQ(merged.conflicts, Sentences{});
  EXPECT_EQ(merged.changes.size(), 2u);
}

TEST(Merge, BackendsComeAndGoWithTheConfiguration) {
  auto spec = two_services();
  blue1(spec) = backend_spec("blue-3", "10.0.0.3:80");
  const auto merged = merge(unmerged(), spec);
  EXPECT_EQ(blue(merged.state).backend("blue-1"), nullptr);
  EXPECT_NE(blue(merged.state).backend("blue-3"), nullptr);
  EXPECT_EQ(merged.changes, (Sentences{"api/blue/blue-3: new in the configuration",
                                       "api/blue/blue-1: gone from the configuration"}));
}

TEST(Merge, ARemovedBackendStaysRemovedUntilItsConfigurationChanges) {  // T2
  const State state = remove_backend(unmerged(), kFirstBlue)->next;
  EXPECT_EQ(blue(merge(state, two_services()).state).backend("blue-1"), nullptr);
  auto spec = two_services();
  blue1(spec).address.text = "10.0.0.7:80";
  const auto merged = merge(state, spec);
  EXPECT_EQ(blue(merged.state).backend("blue-1")->address, "10.0.0.7:80");
  EXPECT_TRUE(blue(merged.state).removed.empty());
  EXPECT_EQ(merged.conflicts.size(), 1u);
  spec.services[0].pools[0].backends.erase(spec.services[0].pools[0].backends.begin());
  EXPECT_TRUE(blue(merge(state, spec).state).removed.empty());
}

TEST(Merge, AnAddedBackendThatTheConfigurationNowListsIsConfigured) {
  const State state = add_backend(unmerged(), {"api", "blue", "new"}, {"10.0.0.9:80", 2})->next;
  auto spec = two_services();
  spec.services[0].pools[0].backends.push_back(backend_spec("new", "10.0.0.9:80", 2));
  const auto merged = merge(state, spec);
  EXPECT_EQ(*blue(merged.state).backend("new"),
            (BackendState{"new", "10.0.0.9:80", 2, Admin::ready, {}, false, {}, false, {}}));
  EXPECT_EQ(merged.conflicts, Sentences{});
  spec.services[0].pools[0].backends.back() = backend_spec("new", "10.0.0.10:80", 3);
  EXPECT_EQ(merge(state, spec).conflicts.size(), 2u);
}

TEST(Merge, AnAddedBackendYieldsToTheSameAddressUnderAnotherName) {
  const State state = add_backend(unmerged(), {"api", "blue", "new"}, {"10.0.0.9:80", 2})->next;
  auto spec = two_services();
  spec.services[0].pools[0].backends.push_back(backend_spec("other", "10.0.0.9:80"));
  const auto merged = merge(state, spec);
  EXPECT_EQ(blue(merged.state).backend("new"), nullptr);
  EXPECT_EQ(merged.conflicts.size(), 1u);
}

TEST(Merge, ServicesComeAndGoAndLeaveTheOthersAlone) {  // C4
  auto spec = two_services();
  spec.services[1] = service_spec("new", {{"a", kWhole}, {"b", 0}});
  const State before = with_split(50'000);
  const auto merged = merge(before, spec);
  EXPECT_EQ(merged.state.service("web"), nullptr);
  EXPECT_EQ(merged.state.service("new")->stable(), "a");
  EXPECT_EQ(*merged.state.service("api"), *before.service("api"));
  EXPECT_EQ(merged.changes, (Sentences{"new: new in the configuration", "web: gone from the configuration"}));
}

TEST(Merge, AReorderedConfigurationMovesNoUser) {
  auto spec = two_services();
  std::swap(spec.services[0], spec.services[1]);
  for (auto& service : spec.services) {
    std::swap(service.pools[0], service.pools[1]);
    std::swap(service.split[0], service.split[1]);
  }
  const State before = with_split(20'000);
  const auto merged = merge(before, spec);
  const auto then = before.service("api")->slots.owners(), now = merged.state.service("api")->slots.owners();
  for (std::size_t slot = 0; slot < now.size(); ++slot) ASSERT_EQ(now[slot], 1 - then[slot]);
  EXPECT_EQ(merged.conflicts, Sentences{});
}

// Merging twice is merging once: a restart right after a start publishes nothing.
TEST(Merge, IsStable) {
  auto spec = two_services();
  spec.services[0] = service_spec("api", {{"red", 5'000}, {"blue", 95'000}});
  State state = with_split(50'000);
  state = remove_backend(state, kFirstBlue)->next;
  const auto once = merge(state, spec);
  const auto twice = merge(once.state, spec);
  EXPECT_TRUE(once.changed);
  EXPECT_FALSE(twice.changed);
}

}  // namespace
}  // namespace sluice::state
