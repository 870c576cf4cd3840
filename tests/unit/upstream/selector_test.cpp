// Which backend of a pool is asked: those that serve, were not tried and have room; tiers, the slow start and
// large pools.
#include "proxy/upstream/selector.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "proxy/base/hash.hpp"

namespace sluice::upstream {
namespace {

using namespace std::chrono_literals;
using Kind = Selection::Kind;

// Backends 1, 2, 3 ... of one pool, all up.
class SelectorTest : public ::testing::Test {
 protected:
  route::Backend& add(double weight = 1) {
    route::Backend& backend = pool.backends.emplace_back();
    backend.name = "b" + std::to_string(pool.backends.size());
    backend.weight = weight;
    backend.endpoints.resize(1);
    backend.live =
        std::make_shared<observe::BackendLive>(static_cast<std::uint32_t>(pool.backends.size()), 1);
    backend.live->health = observe::Health::up;
    return backend;
  }
  void add_many(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) add();
  }
  Selection select() {
    return select_backend({pool, balance, slow_start, round_robin, key_hash, tried, random});
  }
  void expect_backend(std::size_t index) {
    const Selection found = select();
    EXPECT_EQ(found.kind, Kind::backend);
    EXPECT_EQ(found.index, index);
  }
  // How often each backend was chosen.
  std::map<std::size_t, int> select_many(int times) {
    std::map<std::size_t, int> counts;
    for (int i = 0; i < times; ++i) ++counts[select().index];
    return counts;
  }
  static void occupy(const route::Backend& backend) { backend.live->per_worker[0].in_flight.add(); }

  route::Pool pool;
  config::Balance balance = config::Balance::round_robin;
  std::chrono::milliseconds slow_start = 0ms;
  route::RoundRobinState round_robin;
  std::uint64_t key_hash = 0;
  std::vector<std::uint32_t> tried;
  std::uint64_t random = 0;
};

TEST_F(SelectorTest, an_empty_pool_has_no_backend) { EXPECT_EQ(select().kind, Kind::none); }

TEST_F(SelectorTest, H1_only_backends_that_serve_are_chosen) {
  add().live->health = observe::Health::down;
  add().live->admin = observe::Admin::draining;
  add().admin = observe::Admin::maint;
  add().endpoints.clear();
  EXPECT_EQ(select().kind, Kind::none);
  add();
  expect_backend(4);
  expect_backend(4);
}

TEST_F(SelectorTest, R1_a_backend_that_was_tried_is_not_asked_again) {
  add_many(3);
  tried = {1, 3};
  expect_backend(1);
  tried = {1, 3, 2};
  EXPECT_EQ(select().kind, Kind::none);
}

TEST_F(SelectorTest, a_full_backend_is_passed_over_and_a_pool_of_full_ones_is_full) {
  add().max_in_flight = 1;
  add().max_in_flight = 1;
  occupy(pool.backends[0]);
  expect_backend(1);
  expect_backend(1);
  occupy(pool.backends[1]);
  EXPECT_EQ(select().kind, Kind::full);
  tried = {1, 2};
  EXPECT_EQ(select().kind, Kind::none);
}

TEST_F(SelectorTest, a_higher_tier_serves_when_the_lower_cannot) {
  add().group = "g";
  add().group = "g";
  pool.backends[1].tier = 1;
  pool.has_tiers = true;
  expect_backend(0);
  expect_backend(0);
  tried = {1};
  expect_backend(1);
  tried.clear();
  pool.backends[0].live->health = observe::Health::ejected;
  expect_backend(1);
}

TEST_F(SelectorTest, a_full_lower_tier_is_full_and_not_given_up) {
  add().group = "g";
  add().group = "g";
  pool.backends[1].tier = 1;
  pool.has_tiers = true;
  pool.backends[0].max_in_flight = 1;
  occupy(pool.backends[0]);
  EXPECT_EQ(select().kind, Kind::full);
}

TEST_F(SelectorTest, round_robin_follows_the_weights) {
  add(3);
  add(1);
  EXPECT_EQ(select_many(400), (std::map<std::size_t, int>{{0, 300}, {1, 100}}));
}

TEST_F(SelectorTest, least_requests_takes_the_one_with_the_fewest) {
  balance = config::Balance::least_requests;
  add_many(3);
  occupy(pool.backends[0]);
  occupy(pool.backends[2]);
  expect_backend(1);
  expect_backend(1);
}

TEST_F(SelectorTest, hash_keeps_a_key_on_its_backend_whatever_its_id_is_and_whoever_else_leaves) {
  balance = config::Balance::hash;
  add_many(4);
  std::vector<std::size_t> homes;
  for (int i = 0; i < 20; ++i) {
    key_hash = hash64("backend", "api", std::to_string(i));
    homes.push_back(select().index);
    expect_backend(homes.back());
  }
  for (std::uint32_t i = 0; i < 4; ++i) {  // as after a restart
    pool.backends[i].live = std::make_shared<observe::BackendLive>(100 - i, 1);
    pool.backends[i].live->health = observe::Health::up;
  }
  for (int i = 0; i < 20; ++i) {
    key_hash = hash64("backend", "api", std::to_string(i));
    const std::size_t home = homes[static_cast<std::size_t>(i)];
    expect_backend(home);
    route::Backend& other = pool.backends[(home + 1) % 4];
    other.live->health = observe::Health::down;
    expect_backend(home);
    other.live->health = observe::Health::up;
  }
}

TEST_F(SelectorTest, the_slow_start_takes_from_a_backends_weight) {
  add();
  add().live->ramp_started_micros = std::chrono::duration_cast<std::chrono::microseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count();
  slow_start = 24h;
  auto counts = select_many(110);
  EXPECT_EQ(counts[0], 100);  // the floor of a tenth
  EXPECT_EQ(counts[1], 10);
  slow_start = 0ms;
  counts = select_many(100);
  EXPECT_NEAR(counts[1], 50, 1);
}

TEST_F(SelectorTest, of_a_large_pool_a_part_is_looked_at_from_a_random_place_on) {
  add_many(kMaxCandidates + 6);
  random = kMaxCandidates;  // the last six, then from the first one on
  std::set<std::size_t> chosen;
  for (int i = 0; i < 1000; ++i) chosen.insert(select().index);
  EXPECT_EQ(chosen.size(), kMaxCandidates);
  EXPECT_TRUE(chosen.contains(kMaxCandidates + 5));
  EXPECT_TRUE(chosen.contains(kMaxCandidates - 7));
  EXPECT_FALSE(chosen.contains(kMaxCandidates - 1));
  for (std::size_t i = 0; i + 1 < pool.backends.size(); ++i)
    pool.backends[i].live->health = observe::Health::down;
  for (random = 0; random < 3; ++random) expect_backend(kMaxCandidates + 5);  // those that serve count
}

TEST_F(SelectorTest, a_pool_that_is_not_large_needs_no_random_place) {
  add_many(kMaxCandidates);
  std::set<std::size_t> chosen;
  for (random = 0; random < kMaxCandidates; ++random) chosen.insert(select().index);
  EXPECT_EQ(chosen.size(), kMaxCandidates);
}

}  // namespace
}  // namespace sluice::upstream
