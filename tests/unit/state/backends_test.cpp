#include <gtest/gtest.h>

#include "control/state/apply.hpp"
#include "support/specs.hpp"

namespace sluice::state {
namespace {

using protocol::Exit;
using testing::two_services;

State before() { return from_spec(two_services()); }
const Target kBlue{"api", "blue", ""};
const Target kBlue1{"api", "blue", "blue-1"};

const BackendState& at(const State& state, const Target& target) {
  return *state.service(target.service)->pool(target.pool)->backend(target.backend);
}

TEST(SetAdmin, DrainsOneBackendUntilTheDeadline) {
  const auto change = set_admin(before(), kBlue1, Admin::draining, 5000);
  ASSERT_TRUE(change);
  EXPECT_EQ(at(change->next, kBlue1).admin, Admin::draining);
  EXPECT_EQ(at(change->next, kBlue1).drain_deadline, 5000);
  EXPECT_EQ(at(change->next, {"api", "blue", "blue-2"}).admin, Admin::ready);
  EXPECT_EQ(change->before, "api/blue/blue-1 ready");
  EXPECT_EQ(change->after, "api/blue/blue-1 draining");
  EXPECT_EQ(change->undo, "sluicectl ready api/blue/blue-1");
  EXPECT_TRUE(change->shares.empty());
}

TEST(SetAdmin, ASecondDrainDoesNotExtend) {  // D3
  const State once = set_admin(before(), kBlue1, Admin::draining, 5000)->next;
  const auto twice = set_admin(once, kBlue1, Admin::draining, 9000);
  EXPECT_FALSE(twice->changed);
  const State pool = set_admin(once, kBlue, Admin::draining, 9000)->next;
  EXPECT_EQ(at(pool, kBlue1).drain_deadline, 5000);
  EXPECT_EQ(at(pool, {"api", "blue", "blue-2"}).drain_deadline, 9000);
}

TEST(SetAdmin, ReadyAndMaintForgetTheDeadline) {
  const State draining = set_admin(before(), kBlue, Admin::draining, 5000)->next;
  for (const Admin admin : {Admin::ready, Admin::maint}) {
    const State next = set_admin(draining, kBlue, admin, 7000)->next;
    EXPECT_EQ(at(next, kBlue1).admin, admin);
    EXPECT_FALSE(at(next, kBlue1).drain_deadline);
  }
  EXPECT_EQ(set_admin(draining, kBlue, Admin::ready)->undo, "sluicectl drain api/blue");
}

TEST(SetAdmin, OfAMixedPoolIsUndoneByGeneration) {
  const State mixed = set_admin(before(), kBlue1, Admin::maint)->next;
  EXPECT_EQ(set_admin(mixed, kBlue, Admin::draining)->undo, "sluicectl undo --to-generation 2");
}

TEST(SetAdmin, NamesWhatIsNotThere) {
  const auto detail = [](const Target& target) { return set_admin(before(), target, Admin::maint).error(); };
  EXPECT_EQ(detail({"apu", "blue", ""}).suggestion, "did you mean 'api'?");
  EXPECT_EQ(detail({"api", "bleu", ""}).suggestion, "did you mean 'blue'?");
  EXPECT_EQ(detail({"api", "blue", "blue-3"}).exit, Exit::not_found);
}

TEST(SetWeight, RemembersTheConfiguredOne) {  // T2
  const auto change = set_weight(before(), kBlue1, 0);
  ASSERT_TRUE(change);
  EXPECT_EQ(at(change->next, kBlue1).weight, 0u);
  EXPECT_EQ(at(change->next, kBlue1).base_weight, 1u);
  EXPECT_EQ(change->undo, "sluicectl weight api/blue/blue-1 1");
  EXPECT_FALSE(set_weight(before(), kBlue1, 1)->changed);
  EXPECT_EQ(set_weight(before(), kBlue1, 1001).error().exit, Exit::usage);
}

TEST(AddBackend, IsRememberedAsAdded) {
  const Target target{"api", "green", "green-3"};
  const auto change = add_backend(before(), target, {"10.0.0.3:80", 4});
  ASSERT_TRUE(change);
  EXPECT_EQ(at(change->next, target),
            (BackendState{"green-3", "10.0.0.3:80", 4, Admin::ready, {}, true, {}, false, {}}));
  EXPECT_EQ(change->before, "api/green/green-3 absent");
  EXPECT_EQ(change->after, "api/green/green-3 10.0.0.3:80 ready weight 4");
  EXPECT_EQ(change->undo, "sluicectl remove api/green/green-3");
}

TEST(AddBackend, WithoutAnAddressIsAtItsName) {
  const Target target{"api", "green", "10.0.0.7:80"};
  EXPECT_EQ(at(add_backend(before(), target, {})->next, target).address, "10.0.0.7:80");
}

TEST(AddBackend, OfWhatIsThereChangesNothing) {
  EXPECT_FALSE(add_backend(before(), kBlue1, {"10.0.0.1:80", {}})->changed);
  EXPECT_FALSE(add_backend(before(), kBlue1, {"", 1})->changed);
  EXPECT_EQ(add_backend(before(), kBlue1, {"10.0.0.1:80", 2}).error().suggestion,
            "sluicectl weight api/blue/blue-1 2");
}

TEST(AddBackend, RefusesANameOrAddressThatIsTaken) {
  EXPECT_EQ(add_backend(before(), kBlue1, {"10.0.0.9:80", {}}).error().exit, Exit::conflict);
  EXPECT_EQ(add_backend(before(), {"api", "blue", "other"}, {"10.0.0.1:80", {}}).error().exit,
            Exit::conflict);
}

TEST(AddBackend, RefusesANameThatNoTargetCouldSay) {
  for (const char* name : {"a b", "a/b", "a\n", "\x7f"})
    EXPECT_EQ(add_backend(before(), {"api", "blue", name}, {"10.0.0.9:80", {}}).error().exit, Exit::usage)
        << name;
  EXPECT_EQ(add_backend(before(), {"api", "blue", std::string(256, 'x')}, {"10.0.0.9:80", {}}).error().exit,
            Exit::usage);
}

TEST(RemoveBackend, OfAConfiguredOneIsRememberedAndTakenBackWhole) {
  const State weighted = set_weight(before(), kBlue1, 7)->next;
  const auto removed = remove_backend(weighted, kBlue1);
  ASSERT_TRUE(removed);
  const PoolState& pool = *removed->next.service("api")->pool("blue");
  EXPECT_EQ(pool.backend("blue-1"), nullptr);
  EXPECT_EQ(pool.removed, (std::vector<RemovedBackend>{{"blue-1", "10.0.0.1:80", 1}}));
  EXPECT_EQ(removed->undo, "sluicectl add api/blue 10.0.0.1:80 --name blue-1 --weight 7");
  EXPECT_EQ(add_backend(removed->next, kBlue1, {"10.0.0.1:80", 7})->next.services, weighted.services);
  EXPECT_EQ(add_backend(removed->next, kBlue1, {})->next.services, before().services);
}

TEST(RemoveBackend, OfAnAddedOneLeavesNothing) {
  const Target target{"api", "green", "extra"};
  const State added = add_backend(before(), target, {"10.0.0.3:80", {}})->next;
  EXPECT_EQ(remove_backend(added, target)->next.services, before().services);
}

TEST(RemoveBackend, ThenAddedElsewhereKeepsTheConfiguredOneInMind) {
  const State removed = remove_backend(before(), kBlue1)->next;
  const State added = add_backend(removed, kBlue1, {"10.0.0.9:80", {}})->next;
  EXPECT_TRUE(at(added, kBlue1).added);
  EXPECT_EQ(added.service("api")->pool("blue")->removed.size(), 1u);
}

}  // namespace
}  // namespace sluice::state
