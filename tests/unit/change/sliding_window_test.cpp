#include "control/change/sliding_window.hpp"

#include <gtest/gtest.h>

namespace sluice::change {
namespace {

using namespace std::chrono_literals;

struct RecentTest : ::testing::Test {
  observe::PoolLive live{2};
  PoolWindow recent;
  io::Clock::time_point now{1000s};

  void requests(std::size_t worker, int n, std::uint64_t micros) {
    for (int i = 0; i < n; ++i) {
      live.per_worker[worker].requests.add();
      live.per_worker[worker].duration.record(micros);
    }
  }
  void second() {
    recent.sample(live, now);
    now += 1s;
  }
};

TEST_F(RecentTest, counts_of_the_last_seconds_over_all_workers) {
  second();
  requests(0, 10, 1000);
  requests(1, 5, 1000);
  live.per_worker[1].errors.add(2);
  const auto delta = recent.last(10s, live, now);
  EXPECT_EQ(delta.requests, 15u);
  EXPECT_EQ(delta.errors, 2u);
  EXPECT_DOUBLE_EQ(delta.seconds, 1.0);
}

TEST_F(RecentTest, what_is_older_than_the_window_does_not_count) {
  second();
  requests(0, 100, 1000);
  for (int i = 0; i < 20; ++i) second();
  requests(0, 7, 1000);
  EXPECT_EQ(recent.last(10s, live, now).requests, 7u);
  EXPECT_EQ(recent.last(60s, live, now).requests, 107u);
  for (int i = 0; i < 90; ++i) second();
  EXPECT_EQ(recent.last(60s, live, now).requests, 0u);
}

// What was recorded is looked at only when the counters say that something was.
TEST_F(RecentTest, a_request_that_ends_in_another_step_counts_in_that_one) {
  live.per_worker[0].requests.add();
  live.per_worker[0].in_flight.add();
  for (int i = 0; i < 12; ++i) second();
  live.per_worker[0].in_flight.sub();
  live.per_worker[0].duration.record(11'000'000);
  for (int i = 0; i < 50; ++i) second();
  EXPECT_EQ(recent.latencies(live).count, 1u);
  for (int i = 0; i < 20; ++i) second();
  EXPECT_EQ(recent.latencies(live).count, 0u);
}

TEST_F(RecentTest, latencies_are_of_the_last_minute) {
  second();
  requests(0, 100, 500'000);
  for (int i = 0; i < 30; ++i) second();
  requests(1, 100, 1'000);
  const auto both = recent.latencies(live);
  EXPECT_EQ(both.count, 200u);
  EXPECT_NEAR(static_cast<double>(both.quantile(0.99)), 500'000, 10'000);
  for (int i = 0; i < 45; ++i) second();
  const auto later = recent.latencies(live);
  EXPECT_EQ(later.count, 100u);
  EXPECT_NEAR(static_cast<double>(later.quantile(0.99)), 1'000, 20);
  for (int i = 0; i < 60; ++i) second();
  EXPECT_EQ(recent.latencies(live).count, 0u);
}

TEST_F(RecentTest, nothing_without_a_sample) {
  requests(0, 5, 1000);
  EXPECT_EQ(recent.last(10s, live, now).requests, 0u);
}

struct WindowsTest : ::testing::Test {
  std::shared_ptr<route::Snapshot> snapshot;
  SlidingWindow windows;
  io::Clock::time_point now{1000s};

  WindowsTest() { begin(); }
  // As a process begins: with counters of its own.
  void begin() {
    snapshot = std::make_shared<route::Snapshot>();
    auto& service = snapshot->services.emplace_back();
    service.spec.name = "api";
    for (const char* name : {"blue", "green"}) {
      auto& pool = service.pools.emplace_back();
      pool.name = name;
      pool.live = std::make_shared<observe::PoolLive>(1);
    }
    service.pools.front().share = 95'000;
  }
  const std::shared_ptr<observe::PoolLive>& live(std::size_t pool) const {
    return snapshot->services[0].pools[pool].live;
  }
  void second() {
    windows.sample(*snapshot, now);
    now += 1s;
  }
};

TEST_F(WindowsTest, the_first_request_of_a_pool_counts_before_and_after_the_next_sample) {
  for (int i = 0; i < 20; ++i) second();
  live(0)->per_worker[0].requests.add(4);
  live(0)->per_worker[0].duration.record(1'000);
  for (int i = 0; i < 3; ++i) {
    const PoolWindow& window = windows.of(*live(0));
    EXPECT_EQ(window.last(10s, *live(0), now).requests, 4u);
    EXPECT_DOUBLE_EQ(window.last(10s, *live(0), now).seconds, 10.0);
    EXPECT_EQ(window.latencies(*live(0)).count, 1u);
    EXPECT_EQ(windows.of(*live(1)).last(10s, *live(1), now).requests, 0u);
    second();
  }
}

TEST_F(WindowsTest, a_pool_that_is_gone_is_forgotten) {
  live(0)->per_worker[0].requests.add();
  second();
  const std::weak_ptr<observe::PoolLive> gone = live(0);
  snapshot = std::make_shared<route::Snapshot>();
  EXPECT_FALSE(gone.expired());
  second();
  EXPECT_TRUE(gone.expired());
}

TEST_F(WindowsTest, a_point_of_the_history_is_what_came_in_five_seconds) {
  auto& counters = live(0)->per_worker[0];
  second();
  counters.requests.add(7);
  counters.errors.add(2);
  counters.in_flight.add();
  for (int i = 0; i < 6; ++i) counters.duration.record(2'000);
  for (int i = 0; i < 5; ++i) second();
  counters.requests.add(3);
  counters.in_flight.sub();
  for (int i = 0; i < 5; ++i) second();
  const PoolHistory& history = windows.history_of(*live(0));
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[0].requests, 7u);
  EXPECT_EQ(history[0].errors, 2u);
  EXPECT_EQ(history[0].in_flight, 1u);
  EXPECT_EQ(history[0].share, 95'000u);
  EXPECT_NEAR(history[0].p95_ms, 2.0, 0.05);
  EXPECT_EQ(history[1].requests, 3u);
  EXPECT_EQ(history[1].errors, 0u);
  EXPECT_EQ(history[1].in_flight, 0u);
  EXPECT_LT(history[1].p95_ms, 0) << "nothing was answered";
  EXPECT_EQ(windows.history_of(*live(1)).size(), 0u) << "a pool without requests costs nothing";
  EXPECT_EQ(windows.until(), now - 1s);
}

TEST_F(WindowsTest, the_hour_and_the_day_are_remembered_also_by_the_next_process) {
  auto& counters = live(0)->per_worker[0];
  const auto began = now;
  for (int i = 0; i < 120; ++i) {
    counters.requests.add(10);
    counters.errors.add(1);
    if (i == 61) counters.in_flight.add(7);
    second();
    if (i == 61) counters.in_flight.sub(7);
  }
  const auto check = [&](const SlidingWindow& of, std::uint64_t requests) {
    const auto hour = of.memory_of(*live(0)).last_hour(now, of.followed(now));
    EXPECT_EQ(hour.requests, requests);
    EXPECT_EQ(hour.errors, requests / 10);
    EXPECT_EQ(hour.in_flight, 7u) << "also when it was over before the five seconds were";
    EXPECT_EQ(of.memory_of(*live(1)).last_hour(now, of.followed(now)).requests, 0u);
  };
  const std::uint64_t seen = 1160;  // the last step has not ended
  EXPECT_EQ(windows.followed(now), began);
  check(windows, seen);
  SlidingWindow next;
  ASSERT_TRUE(next.remember(windows.known(*snapshot)));
  begin();
  EXPECT_EQ(next.followed(now), began);
  next.sample(*snapshot, now);
  check(next, seen);
  live(0)->per_worker[0].requests.add(10);
  live(0)->per_worker[0].errors.add(1);
  for (int i = 0; i < 6; ++i) next.sample(*snapshot, now += 1s);
  check(next, seen + 10);
  EXPECT_FALSE(SlidingWindow().remember({{"services", {{"api", {{"blue", 1}}}}}}));
}

TEST(PoolHistoryTest, keeps_a_quarter_of_an_hour) {
  PoolHistory history;
  EXPECT_EQ(PoolHistory::kKept * PoolHistory::kInterval, 15min);
  EXPECT_EQ(PoolHistory::kInterval, PoolWindow::kHistogramStep);
  for (std::uint32_t i = 0; i < 1000; ++i) history.add({.requests = i});
  ASSERT_EQ(history.size(), PoolHistory::kKept);
  for (std::size_t i = 0; i < history.size(); ++i)
    ASSERT_EQ(history[i].requests, 1000 - PoolHistory::kKept + i);
}

}  // namespace
}  // namespace sluice::change
