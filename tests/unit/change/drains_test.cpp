#include "control/change/drains.hpp"

#include <gtest/gtest.h>

#include "unit/change/fake_workers.hpp"
#include "unit/change/snapshots.hpp"
#include "unit/io/loop.hpp"

namespace sluice::change {
namespace {

using namespace std::chrono_literals;
using Kind = worker::TunnelPolicy::Kind;

struct DrainsTest : testing::Test {
  io::Loop loop;
  Made made{loop.io.get_executor()};
  FakeWorkers workers{loop.io};
  Drains drains{loop.io.get_executor(), workers};
  route::SnapshotPtr snapshot;
  std::shared_ptr<observe::BackendLive> live;
  const protocol::Target target{"api", "blue", "127.0.0.1:9001"};
  std::vector<protocol::Drained> finished;

  DrainsTest() {
    const auto spec = two_pools();
    snapshot = made.publisher.build(spec, state::from_spec(spec), nullptr);
    workers.published.push_back(snapshot);
    live = backend_in(*snapshot, 0, 0).live;
    drains.on_finished = [this](const Drain& drain) { finished.push_back(drain.result()); };
  }
  observe::Counter& in_flight(std::size_t worker = 0) { return live->per_worker[worker].in_flight; }
  void begin(std::optional<io::Clock::time_point> deadline, worker::TunnelPolicy tunnels = {}) {
    drains.begin(target, live, deadline, tunnels, false);
  }
  bool done() const { return drains.find(live->id) && drains.find(live->id)->finished; }
};

TEST_F(DrainsTest, an_idle_backend_is_drained_at_once) {
  begin(std::nullopt);
  EXPECT_TRUE(done());
  ASSERT_EQ(finished.size(), 1u);
  EXPECT_EQ(finished[0].clean, 0u);
}

TEST_F(DrainsTest, D1_waits_for_what_is_in_flight_on_every_worker) {
  in_flight(0).add(2);
  in_flight(1).add(1);
  begin(std::nullopt);
  loop.io.run_for(30ms);
  EXPECT_FALSE(done());
  in_flight(0).sub(2);
  loop.io.restart();
  loop.io.run_for(30ms);
  EXPECT_FALSE(done());
  EXPECT_EQ(drains.find(live->id)->clean(), 2u);
  in_flight(1).sub(1);
  EXPECT_TRUE(loop.run_until([this] { return done(); }));
  EXPECT_EQ(finished.at(0).clean, 3u);
  EXPECT_EQ(finished.at(0).forced, 0u);
}

TEST_F(DrainsTest, D3_what_is_left_at_the_deadline_is_closed_and_counted) {
  in_flight().add(3);
  begin(io::Clock::now() + 40ms);
  in_flight().sub();
  EXPECT_TRUE(loop.run_until([this] { return done(); }));
  EXPECT_EQ(finished.at(0).clean, 1u);
  EXPECT_EQ(finished.at(0).forced, 2u);
  EXPECT_GE(finished.at(0).took, 39ms);
}

TEST_F(DrainsTest, D3_a_second_drain_does_not_extend) {
  in_flight().add();
  begin(io::Clock::now() + 50ms);
  const auto first = drains.find(live->id)->deadline;
  begin(io::Clock::now() + 1h);
  EXPECT_EQ(drains.find(live->id)->deadline, first);
  EXPECT_TRUE(loop.run_until([this] { return done(); }));
  EXPECT_EQ(finished.size(), 1u);
}

TEST_F(DrainsTest, D1_tunnels_end_by_the_policy) {
  in_flight().add();
  begin(std::nullopt);
  EXPECT_TRUE(workers.tunnels.empty()) << "wait";
  begin(std::nullopt, {Kind::spread, 5s});
  EXPECT_EQ(workers.tunnels.at(live->id).kind, Kind::spread);
  EXPECT_EQ(workers.tunnels.at(live->id).window, 5s);
  begin(std::nullopt, {Kind::now, 0s});
  EXPECT_EQ(workers.tunnels.at(live->id).kind, Kind::now);
}

TEST_F(DrainsTest, D4_a_backend_made_ready_again_is_not_drained_any_more) {
  in_flight().add();
  begin(io::Clock::now() + 20ms);
  drains.keep_only([](const Drain&) { return false; });
  loop.io.run_for(50ms);
  EXPECT_EQ(in_flight().get(), 1u) << "nothing was closed";
  EXPECT_TRUE(finished.empty());
  begin(std::nullopt);
  in_flight().sub();
  EXPECT_TRUE(loop.run_until([this] { return done(); }));
}

}  // namespace
}  // namespace sluice::change
