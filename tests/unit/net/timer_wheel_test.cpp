// X5: every limit comes up, once, not before its time.
#include "proxy/net/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace sluice::net {
namespace {

using namespace std::chrono_literals;

struct Probe : Deadline {
  using Deadline::Deadline;
  void expired() override {
    ++count;
    if (again > 0ms) expires_after(again);
    if (victim) victim.reset();
  }
  int count = 0;
  std::chrono::milliseconds again{0};
  std::unique_ptr<Probe> victim;
};

TEST(TimerWheel, A_limit_comes_up_after_its_time_and_once) {
  TimerWheel wheel;
  for (const auto wait : {0ms, 1ms, 20ms, 500ms, 9'000ms, 60'000ms, 3'600'000ms}) {
    Probe probe(wheel);
    const auto now = wheel.tick() * TimerWheel::kTick;
    probe.expires_after(wait);
    wheel.advance(now + wait);
    EXPECT_EQ(probe.count, 0) << wait.count() << " ms, too early";
    wheel.advance(now + wait + 3 * TimerWheel::kTick);
    EXPECT_EQ(probe.count, 1) << wait.count() << " ms";
    EXPECT_FALSE(probe.armed());
    wheel.advance(now + wait + 30s);
    EXPECT_EQ(probe.count, 1);
  }
}

TEST(TimerWheel, A_limit_that_is_put_off_comes_up_at_its_new_time) {
  TimerWheel wheel;
  Probe probe(wheel);
  probe.expires_after(1s);
  wheel.advance(900ms);
  probe.expires_after(1s);
  wheel.advance(1'800ms);
  EXPECT_EQ(probe.count, 0);
  wheel.advance(2s);
  EXPECT_EQ(probe.count, 1);
}

TEST(TimerWheel, A_limit_that_is_moved_nearer_comes_up_at_its_new_time) {
  TimerWheel wheel;
  Probe probe(wheel);
  probe.expires_after(1h);
  probe.expires_after(100ms);
  wheel.advance(200ms);
  EXPECT_EQ(probe.count, 1);
}

TEST(TimerWheel, A_limit_that_is_taken_away_does_not_come_up_and_can_be_set_anew) {
  TimerWheel wheel;
  Probe probe(wheel);
  probe.expires_after(100ms);
  probe.disarm();
  wheel.advance(1s);
  EXPECT_EQ(probe.count, 0);
  probe.expires_after(100ms);
  probe.disarm();
  probe.expires_after(200ms);
  wheel.advance(1'500ms);
  EXPECT_EQ(probe.count, 1);
}

TEST(TimerWheel, Setting_it_again_from_its_own_expiry_works) {
  TimerWheel wheel;
  Probe probe(wheel);
  probe.again = 100ms;
  probe.expires_after(100ms);
  for (auto now = 0ms; now <= 1'400ms; now += 20ms) wheel.advance(now);
  EXPECT_EQ(probe.count, 10) << "100 ms and a tick each";
}

TEST(TimerWheel, An_expiry_may_destroy_another_that_is_due_at_the_same_time) {
  TimerWheel wheel;
  Probe first(wheel);
  first.victim = std::make_unique<Probe>(wheel);
  first.expires_after(100ms);
  first.victim->expires_after(100ms);
  wheel.advance(1s);
  EXPECT_EQ(first.count, 1);
}

TEST(TimerWheel, A_long_pause_of_the_worker_loses_none) {
  TimerWheel wheel;
  std::vector<std::unique_ptr<Probe>> probes;
  for (int i = 0; i < 2'000; ++i) {
    probes.push_back(std::make_unique<Probe>(wheel));
    probes.back()->expires_after(std::chrono::milliseconds(i * 17));
  }
  wheel.advance(60s);
  for (const auto& probe : probes) EXPECT_EQ(probe->count, 1);
}

}  // namespace
}  // namespace sluice::net
