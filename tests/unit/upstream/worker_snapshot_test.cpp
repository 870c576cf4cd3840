// C4: a change of routing leaves what it does not concern as it was; D1: what leaves loses its idle
// connections.
#include "proxy/upstream/worker_snapshot.hpp"

#include <gtest/gtest.h>

namespace sluice::upstream {
namespace {

struct SnapshotWork : Activity {
  bool is_tunnel() const override { return false; }
  net::Clock::time_point began() const override { return {}; }
  std::string_view path() const override { return "/"; }
  std::string_view client() const override { return "::1"; }
  void abort() override {}
  void end_within(std::chrono::milliseconds) override {}
};

class ViewTest : public ::testing::Test {
 protected:
  route::Backend backend(std::uint32_t id) {
    route::Backend made;
    made.name = std::to_string(id);
    made.live = std::make_shared<observe::BackendLive>(id, 1);
    return made;
  }
  route::SnapshotPtr snapshot(std::vector<route::Backend> backends) {
    auto made = std::make_shared<route::Snapshot>();
    route::Service service;
    route::Pool pool;
    pool.live = pool_live;
    pool.backends = std::move(backends);
    service.pools.push_back(pool);
    made->services.push_back(service);
    return made;
  }
  std::shared_ptr<observe::PoolLive> pool_live = std::make_shared<observe::PoolLive>(1);
  WorkerBackends directory{0};
};

TEST_F(ViewTest, C4_a_backend_and_its_pools_balancing_are_the_same_objects_after_a_change) {
  const auto one = backend(1), two = backend(2);
  const auto before = directory.adopt(snapshot({one, two}));
  const auto after = directory.adopt(snapshot({two, one, backend(3)}));
  const WorkerPool& old_pool = before->services[0].pools[0];
  const WorkerPool& new_pool = after->services[0].pools[0];
  EXPECT_EQ(old_pool.backends[0].get(), new_pool.backends[1].get());
  EXPECT_EQ(old_pool.backends[1].get(), new_pool.backends[0].get());
  EXPECT_EQ(old_pool.round_robin.get(), new_pool.round_robin.get());
  EXPECT_EQ(new_pool.backends.size(), 3u);
}

TEST_F(ViewTest, C1_an_old_view_stays_whole_while_somebody_holds_it) {
  const auto before = directory.adopt(snapshot({backend(1)}));
  directory.adopt(snapshot({backend(2)}));
  EXPECT_EQ(before->services[0].pools[0].backends[0]->id(), 1u);
  EXPECT_EQ(before->services[0].service, &before->snapshot->services[0]);
}

TEST_F(ViewTest, D3_a_backend_that_left_is_found_as_long_as_something_runs_on_it) {
  auto before = directory.adopt(snapshot({backend(1)}));
  SnapshotWork work;
  Claim claim(*before->services[0].pools[0].backends[0], work);
  directory.adopt(snapshot({}));
  ASSERT_NE(directory.find(1), nullptr);
  claim.release();
  before.reset();
  directory.adopt(snapshot({}));
  EXPECT_EQ(directory.find(1), nullptr);
}

}  // namespace
}  // namespace sluice::upstream
