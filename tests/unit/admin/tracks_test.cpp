// What the old scripts count goes on whatever becomes of services and pools, and never back.
#include "control/admin/tracks.hpp"

#include <gtest/gtest.h>

namespace sluice::admin {
namespace {

route::Pool new_pool() {
  route::Pool pool;
  pool.live = std::make_shared<observe::PoolLive>(1);
  return pool;
}

// Of two pools, the first one stable.
route::Service new_service() {
  route::Service service;
  service.spec.name = "api";
  service.pools = {new_pool(), new_pool()};
  return service;
}

struct TracksTest : ::testing::Test {
  Tracks tracks;
  std::shared_ptr<route::Snapshot> in_force = std::make_shared<route::Snapshot>();

  TracksTest() { in_force->services.push_back(new_service()); }

  const route::Service& api() const { return in_force->services[0]; }
  void answered(std::size_t pool, std::size_t status_class, std::uint64_t n, std::uint64_t micros = 7'000) {
    auto& counters = api().pools[pool].live->per_worker[0];
    counters.by_class[status_class].add(n);
    for (std::uint64_t i = 0; i < n; ++i) counters.duration.record(micros);
  }
  // Takes a changed copy of the service into force.
  template <class Change>
  void change(Change change) {
    route::Service service = api();
    change(service);
    in_force = std::make_shared<route::Snapshot>();
    in_force->services.push_back(std::move(service));
    tracks.follow(in_force);
  }
};

TEST_F(TracksTest, WithoutAChangeThePoolsCountersSayIt) {
  tracks.follow(in_force);
  answered(0, 2, 5);
  answered(1, 5, 3);
  EXPECT_EQ(tracks.of(api()).active[2], 5u);
  EXPECT_EQ(tracks.of(api()).canary[5], 3u);
  EXPECT_EQ(tracks.gone().count, 0u);
}

TEST_F(TracksTest, WhatWasCountedStaysOnTheTrackThatItWasOn) {
  tracks.follow(in_force);
  answered(0, 2, 5);
  answered(1, 2, 3);
  change([](route::Service& service) { service.stable = 1; });
  answered(1, 2, 10);
  EXPECT_EQ(tracks.of(api()).active[2], 15u);
  EXPECT_EQ(tracks.of(api()).canary[2], 3u);
  change([](route::Service& service) { service.stable = 0; });
  answered(0, 2, 1);
  EXPECT_EQ(tracks.of(api()).active[2], 16u);
  EXPECT_EQ(tracks.of(api()).canary[2], 3u);
}

TEST_F(TracksTest, AChangeOfSharesIsNone) {
  tracks.follow(in_force);
  answered(1, 2, 3);
  change([](route::Service& service) { service.pools[1].share = 5'000; });
  answered(1, 2, 1);
  EXPECT_EQ(tracks.of(api()).canary[2], 4u);
}

TEST_F(TracksTest, APoolThatGoesLeavesItsCountsAndOneOfItsNameBeginsAtZero) {
  tracks.follow(in_force);
  answered(1, 2, 3, 20'000);
  change([](route::Service& service) { service.pools.pop_back(); });
  EXPECT_EQ(tracks.of(api()).canary[2], 3u);
  EXPECT_EQ(tracks.gone().count, 3u);
  EXPECT_EQ(tracks.gone().at_most[1], 0u) << "10 ms";
  EXPECT_EQ(tracks.gone().at_most[2], 3u) << "25 ms";
  EXPECT_EQ(tracks.gone().sum_micros, 60'000u);
  change([](route::Service& service) { service.pools.push_back(new_pool()); });
  answered(1, 2, 1);
  EXPECT_EQ(tracks.of(api()).canary[2], 4u);
}

TEST_F(TracksTest, AServiceThatGoesAndComesGoesOn) {
  tracks.follow(in_force);
  answered(0, 2, 5);
  tracks.follow(std::make_shared<const route::Snapshot>());
  EXPECT_EQ(tracks.gone().count, 5u);
  in_force = std::make_shared<route::Snapshot>();
  in_force->services.push_back(new_service());
  tracks.follow(in_force);
  EXPECT_EQ(tracks.of(api()).active[2], 5u);
  answered(0, 2, 2);
  EXPECT_EQ(tracks.of(api()).active[2], 7u);
}

TEST(Buckets, CountWhatIsWithinTheirBounds) {
  observe::PoolLive pool(2);
  pool.per_worker[0].duration.record(5'000);
  pool.per_worker[1].duration.record(2'000'000);
  pool.per_worker[1].duration.record(60'000'000);
  const Buckets buckets = durations_of(pool);
  EXPECT_EQ(buckets.at_most[0], 1u);
  EXPECT_EQ(buckets.at_most[9], 1u) << "a second";
  EXPECT_EQ(buckets.at_most[10], 2u);
  EXPECT_EQ(buckets.at_most.back(), 2u);
  EXPECT_EQ(buckets.count, 3u);
  EXPECT_EQ(buckets.sum_micros, 62'005'000u);
}

}  // namespace
}  // namespace sluice::admin
