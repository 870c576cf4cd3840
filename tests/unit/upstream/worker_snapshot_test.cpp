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
  bool is_leaving() const override { return false; }
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
  const WorkerPool& old_pool = before->service(0).pools[0];
  const auto after = directory.adopt(snapshot({two, one, backend(3)}));
  const WorkerPool& new_pool = after->service(0).pools[0];
  EXPECT_EQ(old_pool.backends[0].get(), new_pool.backends[1].get());
  EXPECT_EQ(old_pool.backends[1].get(), new_pool.backends[0].get());
  EXPECT_EQ(old_pool.round_robin.get(), new_pool.round_robin.get());
  EXPECT_EQ(new_pool.backends.size(), 3u);
}

TEST_F(ViewTest, C1_an_old_view_stays_whole_while_somebody_holds_it) {
  const auto before = directory.adopt(snapshot({backend(1)}));
  before->service(0);
  directory.adopt(snapshot({backend(2)}));
  EXPECT_EQ(before->service(0).pools[0].backends[0]->id(), 1u);
  EXPECT_EQ(before->service(0).service, &before->snapshot->services[0]);
}

TEST_F(ViewTest, D3_a_backend_that_left_is_found_as_long_as_something_runs_on_it) {
  auto before = directory.adopt(snapshot({backend(1)}));
  SnapshotWork work;
  Claim claim(*before->service(0).pools[0].backends[0], work);
  directory.adopt(snapshot({}));
  ASSERT_NE(directory.find(1), nullptr);
  claim.release();
  before.reset();
  directory.adopt(snapshot({}));
  EXPECT_EQ(directory.find(1), nullptr);
}

struct ServicesTest : ViewTest {
  // A service a name, each with one pool and one backend; those of `before` are shared with it.
  std::shared_ptr<route::Snapshot> named(const std::vector<std::string>& names,
                                         const route::Snapshot* before = nullptr) {
    auto made = std::make_shared<route::Snapshot>();
    for (const auto& name : names) {
      std::size_t known = 0;
      while (before && known < before->services.size() && before->services[known].spec.name != name) ++known;
      if (before && known < before->services.size()) {
        made->services.push_shared(before->services, known);
        continue;
      }
      route::Service service;
      service.spec.name = name;
      route::Pool& pool = service.pools.emplace_back();
      pool.live = std::make_shared<observe::PoolLive>(1);
      pool.backends.push_back(backend(next_id++));
      made->services.push_back(std::move(service));
    }
    return made;
  }
  std::uint32_t next_id = 1;
};

TEST_F(ServicesTest, a_service_costs_nothing_before_its_first_request) {
  const auto view = directory.adopt(named({"a", "b"}));
  EXPECT_EQ(directory.find(1), nullptr);
  EXPECT_EQ(view->service(1).pools[0].backends[0]->id(), 2u);
  EXPECT_EQ(directory.find(1), nullptr);
  EXPECT_NE(directory.find(2), nullptr);
}

TEST_F(ServicesTest, C4_what_a_change_leaves_alone_is_the_same_object) {
  const auto first = named({"a", "b"});
  const auto before = directory.adopt(first);
  const WorkerService *const a = &before->service(0), *const b = &before->service(1);
  auto second = named({"a"}, &*first);
  route::Service changed = first->services[1];
  second->services.push_back(std::move(changed));
  const auto after = directory.adopt(second);
  EXPECT_EQ(&after->service(0), a);
  EXPECT_NE(&after->service(1), b);
  EXPECT_EQ(after->service(1).service, &second->services[1]);
  EXPECT_EQ(after->service(1).pools[0].round_robin, b->pools[0].round_robin);
  EXPECT_EQ(after->service(1).pools[0].backends[0], b->pools[0].backends[0]);
}

// A reload may write them in another order, and leave some out.
TEST_F(ServicesTest, C4_a_service_that_moves_keeps_its_backends) {
  const auto first = named({"a", "b", "c"});
  const auto before = directory.adopt(first);
  const WorkerPool& c = before->service(2).pools[0];
  before->service(0);
  const auto after = directory.adopt(named({"c", "b"}, &*first));
  EXPECT_EQ(after->service(0).pools[0].backends[0], c.backends[0]);
  EXPECT_EQ(after->service(0).pools[0].round_robin, c.round_robin);
  EXPECT_EQ(directory.find(1), nullptr) << "a is gone";
  EXPECT_NE(directory.find(3), nullptr);
}

}  // namespace
}  // namespace sluice::upstream
