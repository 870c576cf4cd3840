// A million users through a rollout, by the parts that decide a request: what a whole user base sees when
// shares move.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "proxy/route/decide.hpp"
#include "support/heads.hpp"
#include "support/services.hpp"

namespace sluice::route {
namespace {

using config::kWhole;
using config::Share;
using Shares = std::vector<Share>;

constexpr std::uint32_t kVisitors = 1'000'000;

// Users 1, 2, 3 ... by the slot of their header; the slots are worked out once.
class Users {
 public:
  Users() : slots_(kVisitors) {
    for (std::uint32_t i = 0; i < kVisitors; ++i) slots_[i] = slot_of("api", "user-" + std::to_string(i + 1));
  }
  // The pool of each user by this table.
  std::vector<PoolIndex> pools(const SlotTable& table) const {
    const auto owners = std::make_unique<SlotOwners>(table.owners());
    std::vector<PoolIndex> out(kVisitors);
    for (std::uint32_t i = 0; i < kVisitors; ++i) out[i] = (*owners)[slots_[i]];
    return out;
  }

 private:
  std::vector<std::uint32_t> slots_;
};

const Users& users() {
  static const Users all;
  return all;
}

// Nobody left a pool that does not shrink or came to one that does not grow. How many moved.
std::uint32_t count_moved(const std::vector<PoolIndex>& before, const std::vector<PoolIndex>& after,
                          const Shares& from, const Shares& to) {
  std::uint32_t moved = 0, needlessly = 0;
  for (std::uint32_t i = 0; i < kVisitors; ++i) {
    if (before[i] == after[i]) continue;
    ++moved;
    needlessly += to[before[i]] >= from[before[i]] || to[after[i]] <= from[after[i]];
  }
  EXPECT_EQ(needlessly, 0u);
  return moved;
}

void expect_shares(const std::vector<PoolIndex>& pools, const Shares& shares) {
  std::vector<double> counts(shares.size());
  for (const auto pool : pools) ++counts[pool];
  for (std::size_t i = 0; i < shares.size(); ++i) {
    EXPECT_NEAR(counts[i] / kVisitors, static_cast<double>(shares[i]) / kWhole, 0.002) << "pool " << i;
    EXPECT_TRUE(shares[i] > 0 || counts[i] == 0) << "S2, pool " << i;
  }
}

TEST(RolloutUsersS5, FromFivePercentToAllAndBackNobodyMovesWhoNeedNot) {
  SlotTable table(2, 0);
  Shares from = {kWhole, 0};
  auto before = users().pools(table);
  std::vector<std::vector<PoolIndex>> at_25;
  for (const Share canary : {5'000u, 25'000u, 50'000u, 100'000u, 25'000u, 0u}) {
    SCOPED_TRACE(canary);
    const Shares to = {kWhole - canary, canary};
    table.apply(to);
    const auto after = users().pools(table);
    expect_shares(after, to);
    const auto change = static_cast<double>(canary > from[1] ? canary - from[1] : from[1] - canary) / kWhole;
    EXPECT_NEAR(count_moved(before, after, from, to) / double(kVisitors), change, 0.002);
    if (canary == 25'000) at_25.push_back(after);
    from = to;
    before = after;
  }
  ASSERT_EQ(at_25.size(), 2u);
  EXPECT_EQ(at_25[0], at_25[1]) << "25 % on the way down are the users of 25 % on the way up";
}

TEST(RolloutUsersS5, AThirdVersionInTheMiddleMovesNobodyBetweenTheOthers) {
  SlotTable table(3, 0);
  table.apply(Shares{70'000, 30'000, 0});
  const auto start = users().pools(table);
  const std::vector<Shares> path = {
      {60'000, 30'000, 10'000}, {60'000, 15'000, 25'000}, {0, 0, kWhole}, {70'000, 30'000, 0}};
  Shares from = {70'000, 30'000, 0};
  auto before = start;
  for (const auto& to : path) {
    table.apply(to);
    const auto after = users().pools(table);
    expect_shares(after, to);
    count_moved(before, after, from, to);
    from = to;
    before = after;
  }
  EXPECT_EQ(before, start) << "rolled back, everyone is where he was";
}

// C6: the same salt puts the same users on the same side in every service, however each of them came to its
// share.
TEST(RolloutUsersC6, TwoServicesOfOneSaltAgree) {
  SlotTable api(2, 0), web(2, 0);
  for (const Share canary : {5'000u, 60'000u, 20'000u}) api.apply(Shares{kWhole - canary, canary});
  web.apply(Shares{80'000, 20'000});
  EXPECT_EQ(users().pools(api), users().pools(web));
}

// With salts of their own two rollouts share only as many early users as chance has it.
TEST(RolloutUsersS7, AnotherSaltHasOtherEarlyUsers) {
  std::uint32_t both = 0;
  for (std::uint32_t i = 1; i <= kVisitors; ++i) {
    const auto key = "user-" + std::to_string(i);
    both += slot_of("api", key) < 5'000 && slot_of("web", key) < 5'000;
  }
  EXPECT_NEAR(both, kVisitors * 0.05 * 0.05, 300);
}

// S3: N workers ask decide(), and between their requests other things change: snapshots are rebuilt around
// the same sequence. Every aligned block of 1,000 keyless requests still holds each share to within one
// request.
TEST(SequenceS3, WorkersAndUnrelatedChangesKeepThePhase) {
  const Shares shares = {93'750, 6'200, 50};
  constexpr std::uint64_t kPerWorker = 100'000;
  for (const std::size_t workers : {1u, 2u, 4u, 7u}) {
    const auto first =
        testing::sticky_service(shares, {{{config::StickyKey::From::header, "X-User-Id"}}, {}, "api"});
    std::vector<std::array<std::uint64_t, 3>> counts(workers);
    std::vector<std::thread> threads;
    for (std::size_t w = 0; w < workers; ++w) {
      threads.emplace_back([&, w] {
        auto current = first;
        const auto keyless = testing::request("GET", "h", "/");
        const auto keyed = testing::request("GET", "h", "/", {{"X-User-Id", "someone"}});
        for (std::uint64_t i = 0; i < kPerWorker; ++i) {
          ++counts[w][decide(current, keyless, "192.0.2.1", -1).pool];
          if (i % 3 == 0) decide(current, keyed, "192.0.2.1", -1);
          if (i % 5 == 0) would_decide(current, keyless, "192.0.2.1", -1);
          if (i % 1'000 ==
              w) {  // a weight, a limit, a backend changed: a new snapshot, the same table and sequence
            auto next = current;
            next.spec.limits.in_flight += 1;
            next.pools[1].backends.push_back(
                testing::backend("b" + std::to_string(i), static_cast<std::uint32_t>(i)));
            if (next.pools[1].backends.size() > 3) next.pools[1].backends.clear();
            current = std::move(next);
          }
        }
      });
    }
    for (auto& thread : threads) thread.join();
    std::array<std::uint64_t, 3> sum{};
    for (const auto& c : counts)
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += c[i];
    const std::uint64_t requests =
        workers * kPerWorker;  // whole hundreds of blocks: exact, not only to within one
    EXPECT_EQ(first.sequence->next.load(), requests);
    for (std::size_t i = 0; i < sum.size(); ++i)
      EXPECT_EQ(sum[i], requests / kWhole * shares[i]) << workers << " workers, pool " << i;
  }
}

// The same, block by block, in the order of the sequence.
TEST(SequenceS3, EveryAlignedBlockHoldsWhileSnapshotsChange) {
  const Shares shares = {93'750, 6'200, 50};
  auto current = testing::service(shares);
  for (int block = 0; block < 300; ++block) {
    std::array<std::uint64_t, 3> counts{};
    for (std::uint32_t i = 0; i < kBlock; ++i) {
      if (i % 37 == 0) current = Service(current);
      ++counts[decide(current, testing::request("GET", "h", "/"), "", -1).pool];
    }
    for (std::size_t i = 0; i < shares.size(); ++i) {
      ASSERT_GE(counts[i], shares[i] / 100) << "block " << block;
      ASSERT_LE(counts[i], (shares[i] + 99) / 100) << "block " << block;
    }
  }
}

// S6: visitors without any key get a cookie at their first request and come back with it. Both cohorts are
// equally sticky: after many visits each the canary still has its share of them, and nobody ever changed
// sides (per-request weights with a sticky canary would have had 88 % of them there after 20 visits).
TEST(CookiesS6, BothCohortsKeepTheirVisitors) {
  const std::uint64_t seed = 99;
  std::mt19937_64 random(seed);
  config::StickySpec sticky;
  sticky.keys = {{config::StickyKey::From::cookie, "sluice_id"}};
  sticky.issue_cookie.name = "sluice_id";
  sticky.salt = "api";
  const auto service = testing::sticky_service({90'000, 10'000}, std::move(sticky));
  constexpr int kReturning = 20'000, kVisits = 20;
  int canary = 0, changed = 0;
  for (int v = 0; v < kReturning; ++v) {
    const auto first = decide(service, testing::request("GET", "h", "/"), "", -1);
    ASSERT_TRUE(needs_cookie(service, first));
    const auto cookie = "sluice_id=" + issued_id(service, first.pool, {random(), random()});
    for (int visit = 1; visit < kVisits; ++visit)
      changed +=
          decide(service, testing::request("GET", "h", "/", {{"Cookie", cookie}}), "", -1).pool != first.pool;
    canary += first.pool == 1;
  }
  EXPECT_EQ(changed, 0) << "seed " << seed;
  EXPECT_EQ(canary, kReturning / 10);
}

}  // namespace
}  // namespace sluice::route
