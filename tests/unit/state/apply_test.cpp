#include "control/state/apply.hpp"

#include <gtest/gtest.h>

#include "control/state/differences.hpp"
#include "support/specs.hpp"

namespace sluice::state {
namespace {

using protocol::Exit;
using testing::service_spec;
using testing::two_services;

State initial() { return from_spec(two_services()); }

// The state after a change that must be accepted.
State after(const Result<Change>& change) {
  EXPECT_TRUE(change) << (change ? "" : change.error().detail);
  return change ? change->next : State();
}

Table split_of(const State& state, const std::string& service) { return state.service(service)->split(); }
Table all(const std::string& pool) { return {{pool, kWhole}}; }

TEST(Split, SetsTheTableInOneGeneration) {
  const auto change = split(initial(), "api", {{"blue", 60'000}, {"green", 40'000}});
  ASSERT_TRUE(change);
  EXPECT_TRUE(change->changed);
  EXPECT_EQ(change->next.generation, 2u);
  EXPECT_EQ(split_of(change->next, "api"), (Table{{"blue", 60'000}, {"green", 40'000}}));
  EXPECT_EQ(change->next.service("web")->shares(), initial().service("web")->shares());
  EXPECT_EQ(change->shares,
            (std::vector<ServiceDiff>{{"api", {{"blue", 95'000, 60'000}, {"green", 5'000, 40'000}}}}));
  EXPECT_EQ(change->before, "api blue=95% green=5%");
  EXPECT_EQ(change->after, "api blue=60% green=40%");
  EXPECT_EQ(change->undo, "sluicectl split api blue=95% green=5%");
}

// A change costs what it changes.
TEST(Split, SharesTheOtherServicesWithTheStateBefore) {
  const State before = initial();
  const State now = after(split(before, "api", {{"blue", 60'000}, {"green", 40'000}}));
  std::vector<std::string> differ;
  each_difference(before, now, [&](const ServiceState* was, const ServiceState* is) {
    EXPECT_EQ(was, before.service("api"));
    differ.push_back(is->name);
  });
  EXPECT_EQ(differ, std::vector<std::string>{"api"});
}

TEST(Differences, NameWhatCameAndWhatWent) {
  const State before = initial();
  State now = before;
  now.erase("api");
  now.put(from_spec(service_spec("new", {{"v1", kWhole}})));
  std::vector<std::string> told;
  each_difference(before, now, [&](const ServiceState* was, const ServiceState* is) {
    told.push_back((was ? was->name : "none") + "-" + (is ? is->name : "none"));
  });
  EXPECT_EQ(told, (std::vector<std::string>{"api-none", "none-new"})) << "web is in both";
}

TEST(Split, OfTheSameSharesChangesNothing) {
  const auto change = split(initial(), "api", {{"green", 5'000}, {"blue", 95'000}});
  ASSERT_TRUE(change);
  EXPECT_FALSE(change->changed);
  EXPECT_EQ(change->next, initial());
  EXPECT_EQ(change->undo, "");
}

TEST(Split, GivesTheRestToThePoolNamedForIt) {
  EXPECT_EQ(split_of(after(split(initial(), "api", {{"green", 125}}, "blue")), "api"),
            (Table{{"blue", 99'875}, {"green", 125}}));
  EXPECT_EQ(split_of(after(split(initial(), "api", {{"green", kWhole}}, "blue")), "api"), all("green"));
}

TEST(Split, LeavesAPoolThatIsNotNamedWithoutShare) {
  EXPECT_EQ(split_of(after(split(initial(), "api", {{"green", kWhole}})), "api"), all("green"));
}

TEST(Split, RefusesWhatIsNoTable) {
  const auto kind = [&](const Table& table, const std::string& rest = {}) {
    const auto change = split(initial(), "api", table, rest);
    return change ? Exit::done : change.error().exit;
  };
  EXPECT_EQ(kind({{"blue", 50'000}, {"green", 49'999}}), Exit::usage);
  EXPECT_EQ(kind({{"blue", 50'000}, {"green", 50'001}}), Exit::usage);
  EXPECT_EQ(kind({{"blue", UINT32_MAX}, {"green", 100'001}}), Exit::usage);
  EXPECT_EQ(kind({{"blue", 50'000}, {"blue", 50'000}}), Exit::usage);
  EXPECT_EQ(kind({{"blue", 50'000}}, "blue"), Exit::usage);
  EXPECT_EQ(kind({{"blue", 100'001}}, "green"), Exit::usage);
  EXPECT_EQ(kind({}), Exit::usage);
  EXPECT_EQ(kind({}, "green"), Exit::usage);  // blue has a share now and is not named
  EXPECT_EQ(kind({{"blue", 50'000}, {"grene", 50'000}}), Exit::not_found);
  EXPECT_EQ(kind({{"blue", 50'000}}, "grene"), Exit::not_found);
}

TEST(Split, NamesAPoolThatIsNotThereBeforeTheSum) {
  const auto unknown = split(initial(), "api", {{"bleu", 50'000}});
  EXPECT_EQ(unknown.error().exit, Exit::not_found);
  EXPECT_EQ(unknown.error().suggestion, "did you mean 'blue'?");
  EXPECT_EQ(split(initial(), "ap", {{"blue", 1}}).error().exit, Exit::not_found);
  EXPECT_EQ(split(initial(), "api", {{"blue", 95'000}, {"green", 4'000}}).error().detail,
            "the shares of 'api' add up to 99%, not to 100%");
  EXPECT_NE(split(initial(), "api", {{"blue", 95'000}}).error().suggestion.find("--rest"), std::string::npos);
  EXPECT_EQ(split(initial(), "api", {{"blue", 95'000}, {"green", 5'500}}).error().detail,
            "the shares of 'api' add up to 100.5%, not to 100%");
}

TEST(Split, SuggestsTheNameThatWasMeant) {
  EXPECT_EQ(split(initial(), "apj", all("blue")).error().suggestion, "did you mean 'api'?");
  EXPECT_EQ(split(initial(), "api", all("grene")).error().suggestion, "did you mean 'green'?");
}

TEST(Cutover, MovesSeveralServicesInOneGeneration) {  // C6
  const auto change = cutover(initial(), {{"api", "green"}, {"web", "green"}});
  ASSERT_TRUE(change);
  EXPECT_EQ(change->next.generation, 2u);
  EXPECT_EQ(split_of(change->next, "api"), all("green"));
  EXPECT_EQ(split_of(change->next, "web"), all("green"));
  EXPECT_EQ(change->next.service("web")->stable(), "green");
}

TEST(Cutover, IsAllOrNothing) {
  EXPECT_EQ(cutover(initial(), {{"api", "green"}, {"wob", "green"}}).error().exit, Exit::not_found);
  EXPECT_EQ(cutover(initial(), {{"api", "green"}, {"web", "red"}}).error().exit, Exit::not_found);
  EXPECT_EQ(cutover(initial(), {{"api", "green"}, {"api", "blue"}}).error().exit, Exit::usage);
  EXPECT_EQ(cutover(initial(), {}).error().exit, Exit::usage);
}

TEST(Cutover, IsUndoneByARollbackWhereThatLeadsBack) {
  EXPECT_EQ(cutover(initial(), {{"web", "green"}})->undo, "sluicectl rollback web");
  EXPECT_EQ(cutover(initial(), {{"api", "green"}})->undo, "sluicectl split api blue=95% green=5%");
  EXPECT_EQ(cutover(initial(), {{"api", "green"}, {"web", "green"}})->undo,
            "sluicectl undo --to-generation 1");
}

TEST(Cutover, MovesTheFewestUsersAndBack) {  // S5
  const State start = initial();
  const State there = after(cutover(start, {{"api", "green"}}));
  const State back = after(split(there, "api", {{"blue", 95'000}, {"green", 5'000}}));
  EXPECT_EQ(back.service("api")->slots.owners(), start.service("api")->slots.owners());
}

TEST(Rollback, GoesFromACanaryToTheStablePool) {  // C7
  const auto change = rollback(initial(), {"api"});
  EXPECT_EQ(split_of(after(change), "api"), all("blue"));
  EXPECT_EQ(change->undo, "sluicectl split api blue=95% green=5%");
}

TEST(Rollback, AfterACutoverGoesBackToThePoolBefore) {
  const State bad = after(cutover(initial(), {{"api", "green"}}));
  EXPECT_EQ(split_of(after(rollback(bad, {"api"})), "api"), all("blue"));
}

TEST(Rollback, PressedTwiceNeverBringsTheBadPoolBack) {  // C7
  const State bad = after(cutover(initial(), {{"api", "green"}}));
  const State once = after(rollback(bad, {"api"}));
  const auto twice = rollback(once, {"api"});
  ASSERT_TRUE(twice);
  EXPECT_FALSE(twice->changed);
  EXPECT_EQ(twice->next, once);
  ASSERT_EQ(twice->notes.size(), 1u);
  EXPECT_NE(twice->notes[0].find("nothing to roll back to"), std::string::npos);
}

TEST(Rollback, OfWhatWasTakenBackAlreadyChangesNothing) {  // C7
  State state = after(cutover(initial(), {{"web", "green"}}));
  state.service("web")->taken_back = TakenBack{1'764'252'131'000, "the gate", "v3", "green"};
  const auto change = rollback(state, {"web"});
  ASSERT_TRUE(change);
  EXPECT_FALSE(change->changed);
  EXPECT_EQ(change->why, "the gate took v3 back to green at 2025-11-27T14:02:11.000Z");
  EXPECT_EQ(change->notes, std::vector<std::string>{"further back on purpose: sluicectl cutover web=blue"});
  state = after(split(state, "web", {{"green", 90'000}, {"blue", 10'000}}));
  EXPECT_FALSE(state.service("web")->taken_back) << "another shift is in force";
}

TEST(Rollback, FromACanaryThatHadBeenStableToTheLastStable) {
  State state = after(cutover(initial(), {{"api", "green"}}));
  state = after(split(state, "api", {{"blue", 10'000}, {"green", 90'000}}));
  state = after(rollback(state, {"api"}));
  EXPECT_EQ(split_of(state, "api"), all("green"));
  EXPECT_EQ(split_of(after(rollback(state, {"api"})), "api"), all("blue"));
}

TEST(Rollback, OfSeveralServicesLeavesThoseThatHaveNothingBefore) {
  const State bad = after(cutover(initial(), {{"api", "green"}}));
  const auto change = rollback(bad, {"api", "web"});
  EXPECT_EQ(split_of(after(change), "api"), all("blue"));
  EXPECT_EQ(change->notes.size(), 1u);
  EXPECT_EQ(rollback(bad, {"api", "wob"}).error().exit, Exit::not_found);
}

// Whatever happened before, no series of rollbacks visits a table twice.
TEST(Rollback, EndsFromAnywhere) {
  State state = initial();
  for (const char* pool : {"green", "blue", "green", "blue", "green"}) {
    state = after(cutover(state, {{"api", pool}}));
    state = after(split(state, "api", {{"blue", 50'000}, {"green", 50'000}}));
  }
  int steps = 0;
  for (auto change = rollback(state, {"api"}); change->changed; change = rollback(state, {"api"}), ++steps)
    state = change->next;
  EXPECT_EQ(split_of(state, "api"), all("blue"));
  EXPECT_LE(steps, 6);
}

TEST(Undo, BringsSharesSlotsAdminAndWeightsBack) {
  const State start = initial();
  State state = after(cutover(start, {{"api", "green"}, {"web", "green"}}));
  state = after(set_admin(state, {"api", "blue", "blue-1"}, Admin::maint));
  state = after(set_weight(state, {"api", "green", "green-1"}, 9));
  const auto change = undo(state, start);
  State back = after(change);
  EXPECT_EQ(back.generation, 5u);
  EXPECT_EQ(change->undo, "sluicectl undo --to-generation 4");
  back.generation = start.generation;
  for (std::size_t i = 0; i < back.services.size(); ++i) {
    ServiceState& service = back.services.edit(i);
    EXPECT_EQ(service.taken_back.has_value(), service.name == "web") << "C7; of api, green has its 5 % again";
    service.taken_back.reset();
    service.slots = start.service(service.name)->slots;  // but for their past
  }
  EXPECT_EQ(back, start);
}

TEST(Undo, RestoresTheRecordedOwnersOfSlots) {  // S5
  auto spec = two_services();
  spec.services = {service_spec("api", {{"a", 30'000}, {"b", 30'000}, {"c", 40'000}})};
  State state = from_spec(spec);
  std::vector<State> seen = {state};
  const std::vector<std::vector<Share>> tables = {
      {50'000, 10'000, 40'000}, {10'000, 60'000, 30'000}, {0, 0, kWhole}, {33'333, 33'333, 33'334}};
  for (const auto& shares : tables) {
    state = after(split(state, "api", {{"a", shares[0]}, {"b", shares[1]}, {"c", shares[2]}}));
    seen.push_back(state);
  }
  for (const auto& recorded : seen) {
    const auto change = undo(state, recorded);
    ASSERT_TRUE(change);
    EXPECT_EQ(change->next.service("api")->slots.owners(), recorded.service("api")->slots.owners());
    EXPECT_EQ(change->next.service("api")->shares(), recorded.service("api")->shares());
  }
}

TEST(Undo, OfACutoverForgetsThatItWasStable) {
  const State start = from_spec(two_services());
  const State bad = after(cutover(start, {{"web", "green"}}));
  const State back = after(undo(bad, start));
  EXPECT_FALSE(rollback(back, {"web"})->changed);
}

TEST(Undo, IsRefusedWhenAPoolThatHadAShareIsGone) {
  const State start = initial();
  auto spec = two_services();
  spec.services[0] = service_spec("api", {{"blue", 50'000}, {"red", 50'000}});
  const auto change = undo(from_spec(spec), start);
  ASSERT_FALSE(change);
  EXPECT_EQ(change.error().exit, Exit::refused);
  EXPECT_NE(change.error().detail.find("pool 'api/green' had 5% then and is gone from the configuration"),
            std::string::npos);
}

TEST(Undo, GivesAPoolThatIsNewNothing) {
  const State start = initial();
  auto spec = two_services();
  spec.services[0] = service_spec("api", {{"red", 10'000}, {"green", 40'000}, {"blue", 50'000}});
  const State back = after(undo(from_spec(spec), start));
  EXPECT_EQ(split_of(back, "api"), split_of(start, "api"));
  const auto owners = back.service("api")->slots.owners(), then = start.service("api")->slots.owners();
  for (std::size_t slot = 0; slot < owners.size(); ++slot)
    ASSERT_EQ(back.service("api")->pools[owners[slot]].name, start.service("api")->pools[then[slot]].name);
}

TEST(Undo, LeavesAServiceThatWasNotThereYet) {
  auto spec = two_services();
  spec.services.pop_back();
  const auto change = undo(initial(), from_spec(spec));
  ASSERT_TRUE(change);
  EXPECT_FALSE(change->changed);
  EXPECT_EQ(change->notes.size(), 1u);
}

}  // namespace
}  // namespace sluice::state
