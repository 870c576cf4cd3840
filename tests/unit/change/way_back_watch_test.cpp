#include "control/change/way_back_watch.hpp"

#include <gtest/gtest.h>

#include "control/change/invocation.hpp"
#include "support/services.hpp"

namespace sluice::change {
namespace {

using namespace std::chrono_literals;

// A service that went from p0 to p1 and keeps p0. It has had `rate` requests a second for the last minutes,
// which went to p0 until a minute ago.
struct WayBackWatchTest : ::testing::Test {
  boost::asio::io_context loop;
  InForce in_force;
  Recorder recorder{loop.get_executor(), in_force};
  SlidingWindow recent;
  health::HealthRegistry health{loop.get_executor()};
  WayBackWatch watch{in_force, recent, health, recorder};
  std::shared_ptr<route::Snapshot> made = std::make_shared<route::Snapshot>();

  WayBackWatchTest() {
    made->services.push_back(testing::service({0, kWhole}));
    for (std::uint32_t id = 0; id < 3; ++id) {
      old_pool().backends.push_back(testing::backend("b" + std::to_string(id), id));
      old_pool().backends.back().live->health = observe::Health::up;
    }
    in_force.snapshot = made;
    state::ServiceState service;
    service.name = "api";
    service.pools = {{"p0", 0, {}, {}}, {"p1", kWhole, {}, {}}};
    service.stable_history = {"p0", "p1"};
    service.retained = state::Retained{{"p0"}, unix_milliseconds() + 3'600'000};
    in_force.state.put(std::move(service));
  }
  route::Pool& old_pool() { return made->services.edit(0).pools[0]; }
  route::Pool& new_pool() { return made->services.edit(0).pools[1]; }

  void traffic(std::chrono::seconds since, std::uint64_t rate) {
    const auto now = io::Clock::now();
    for (auto at = now - since; at < now; at += 1s) {
      recent.sample(*made, at);
      (at < now - 61s ? old_pool() : new_pool()).live->per_worker[0].requests.add(rate);
    }
  }
  protocol::RollbackStatus status() const { return watch.of(*in_force.state.service("api")).value(); }
};

TEST_F(WayBackWatchTest, MeasuresByThePeakOfTheLastDay) {
  traffic(600s, 300);
  EXPECT_TRUE(status().ready);
  EXPECT_NEAR(status().peak_ratio.value(), 1, 0.05);
  old_pool().backends[0].live->health = observe::Health::down;
  old_pool().backends[1].admin = observe::Admin::maint;
  const auto lost = status();
  EXPECT_FALSE(lost.ready);
  EXPECT_NEAR(lost.peak_ratio.value(), 3, 0.15);
  EXPECT_TRUE(lost.text.starts_with("not ready: p0 has 1 of 3 backends up, would run at ")) << lost.text;
  EXPECT_TRUE(lost.text.ends_with(" of yesterday's peak per backend")) << lost.text;
}

TEST_F(WayBackWatchTest, BeforeThereWasAWholeMinuteThereIsNoPeak) {
  traffic(90s, 300);
  EXPECT_EQ(status().peak_ratio, std::nullopt);
  EXPECT_TRUE(status().ready);
}

TEST_F(WayBackWatchTest, ThereIsNoneWithoutAPoolThatIsKept) {
  auto& service = *in_force.state.service("api");
  service.retained->until = unix_milliseconds() - 1;
  EXPECT_EQ(watch.of(service), std::nullopt);
  service.retained.reset();
  EXPECT_EQ(watch.of(service), std::nullopt);
}

TEST_F(WayBackWatchTest, MaxInFlightIsOfThoseThatAreUp) {
  for (auto& backend : old_pool().backends) backend.max_in_flight = 10;
  new_pool().live->per_worker[0].in_flight.add(24);
  EXPECT_DOUBLE_EQ(status().in_flight_ratio.value(), 0.8);
  old_pool().backends[0].live->health = observe::Health::ejected;
  EXPECT_EQ(status().text,
            "not ready: p0 has 2 of 3 backends up, would have 120 % of max_in_flight in flight");
}

}  // namespace
}  // namespace sluice::change
