// A million users under flags and a rollout at once: nobody loses a flag who need not, and neither says
// anything about the other.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "control/state/apply.hpp"
#include "proxy/route/traffic.hpp"
#include "support/specs.hpp"

namespace sluice::route {
namespace {

constexpr int kUsers = 1'000'000;

std::string user(int n) { return "user-" + std::to_string(n); }

std::vector<bool> who_has(const Flag& flag) {
  std::vector<bool> has(kUsers);
  for (int n = 0; n < kUsers; ++n) has[static_cast<std::size_t>(n)] = is_on(flag, user(n));
  return has;
}

double share_of(const std::vector<bool>& users) {
  std::size_t count = 0;
  for (const bool has : users) count += has;
  return static_cast<double>(count) / kUsers;
}

TEST(FlagUsersF1, UpAndDownNobodyChangesWhoNeedNot) {
  std::vector<bool> before(kUsers), at_50;
  Share from = 0;
  for (const Share share : {10'000u, 50'000u, 100'000u, 50'000u, 0u}) {
    SCOPED_TRACE(share);
    const auto after = who_has({"new-checkout", share, ""});
    EXPECT_NEAR(share_of(after), static_cast<double>(share) / kWhole, 0.002);
    for (std::size_t n = 0; n < kUsers; ++n)
      if (before[n] != after[n]) {
        ASSERT_EQ(after[n], share > from) << user(static_cast<int>(n));
      }
    if (share == 50'000 && !at_50.empty()) {
      EXPECT_EQ(after, at_50) << "on the way down it is the same half";
    }
    if (share == 50'000) at_50 = after;
    before = after;
    from = share;
  }
}

// The same users by the verbs that an operator types: the state's own slots after each split.
TEST(RolloutUsersS5, TheVerbsOf_5_25_50_100_25_PercentMoveNobodyWhoNeedNot) {
  config::Spec spec;
  spec.services = {testing::service_spec("api", {{"blue", 100'000}, {"green", 0}})};
  state::State now = state::from_spec(spec);
  const auto flag = who_has({"new-checkout", 30'000, ""});
  std::vector<PoolIndex> before(kUsers, 0);
  Share from = 0;
  for (const Share canary : {5'000u, 25'000u, 50'000u, 100'000u, 25'000u}) {
    SCOPED_TRACE(canary);
    now = state::split(now, "api", {{"green", canary}}, "blue")->next;
    const auto owners = std::make_unique<SlotOwners>(now.service("api")->slots.owners());
    std::size_t in_canary = 0, moved = 0, both = 0;
    for (std::size_t n = 0; n < kUsers; ++n) {
      const PoolIndex pool = (*owners)[slot_of("api", user(static_cast<int>(n)))];
      if (pool != before[n]) {
        ASSERT_EQ(pool, canary > from ? 1 : 0) << user(static_cast<int>(n));
      }
      moved += pool != before[n];
      in_canary += pool;
      both += pool == 1 && flag[n];
      before[n] = pool;
    }
    const double share = static_cast<double>(canary) / kWhole;
    const double change = std::abs(static_cast<double>(canary) - from) / kWhole;
    EXPECT_NEAR(static_cast<double>(in_canary) / kUsers, share, 0.002);
    EXPECT_NEAR(static_cast<double>(moved) / kUsers, change, 0.002);
    EXPECT_NEAR(static_cast<double>(both) / kUsers, share * 0.3, 0.002) << "S7";
    from = canary;
  }
}

}  // namespace
}  // namespace sluice::route
