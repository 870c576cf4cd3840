// How fast long connections may leave a drain, and whose they are.
#include "control/change/pace.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::change {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kQuietMicros = 2'000;

TargetCounts opened(std::uint64_t count, std::uint64_t micros_each, std::uint64_t opening = 0) {
  TargetCounts counts;
  counts.requests = counts.opened = counts.connects = count;
  counts.connect_micros = count * kQuietMicros;
  counts.open_micros = count * micros_each;
  counts.opening = opening;
  return counts;
}

PaceControl of_160() { return {160, opened(1000, kQuietMicros), {}}; }

TEST(Pace, it_begins_as_asked_and_stays_so_while_the_target_is_quiet) {
  PaceControl control = of_160();
  for (int i = 0; i < 100; ++i) control.look(opened(160, kQuietMicros + 3'000));
  EXPECT_EQ(control.rate(), 160);
  EXPECT_EQ(control.slowed(), "");
}

TEST(Pace, it_halves_while_the_target_suffers_and_comes_back_by_steps) {
  PaceControl control = of_160();
  control.look(opened(160, 80'000));
  EXPECT_EQ(control.rate(), 80);
  EXPECT_EQ(control.slowed(), "an opening takes 80ms, 2ms before");
  for (int i = 0; i < 20; ++i) control.look(opened(80, 80'000));
  EXPECT_EQ(control.rate(), 10) << "a sixteenth of what was asked, never less";
  control.look(opened(10, kQuietMicros));
  EXPECT_EQ(control.rate(), 20);
  for (int i = 0; i < 14; ++i) {
    EXPECT_NE(control.slowed(), "") << "it is still slower than asked";
    control.look(opened(10, kQuietMicros));
  }
  EXPECT_EQ(control.rate(), 160);
  EXPECT_EQ(control.slowed(), "");
}

TEST(Pace, slow_connections_failed_requests_and_openings_that_hang_slow_it) {
  TargetCounts slow = opened(100, kQuietMicros);
  slow.connect_micros = 100 * 90'000;
  TargetCounts failing = opened(100, kQuietMicros);
  failing.errors = 6;
  TargetCounts hanging;
  hanging.opening = 170;
  for (const auto& [counts, why] :
       {std::pair(slow, "a connection takes 90ms, 2ms before"), std::pair(failing, "6 of 100 requests fail"),
        std::pair(hanging, "170 openings wait for an answer")}) {
    PaceControl control = of_160();
    control.look(counts);
    EXPECT_EQ(control.rate(), 80);
    EXPECT_EQ(control.slowed(), why);
  }
}

TEST(Pace, a_target_that_always_fails_so_much_is_not_worse_for_the_connections) {
  TargetCounts before = opened(1000, kQuietMicros);
  before.errors = 50;
  PaceControl control(160, before, {});
  TargetCounts counts = opened(100, kQuietMicros);
  counts.errors = 6;
  control.look(counts);
  EXPECT_EQ(control.rate(), 160);
}

TEST(Pace, one_slow_connection_is_no_judgement) {
  PaceControl control = of_160();
  control.look(opened(2, 500'000));
  EXPECT_EQ(control.rate(), 160);
  control.look(opened(1, 500'000));
  EXPECT_EQ(control.rate(), 80) << "three are";
}

TEST(Pace, of_a_target_that_had_nothing_to_do_the_drained_ones_say_what_is_quiet) {
  PaceControl control(160, {}, opened(1000, kQuietMicros));
  control.look(opened(160, 80'000));
  EXPECT_EQ(control.rate(), 80);
}

TEST(Pace, where_nobody_knows_the_first_ones_are_what_others_are_compared_with) {
  PaceControl control(160, {}, {});
  control.look(opened(160, 80'000));
  EXPECT_EQ(control.rate(), 160);
  control.look(opened(160, 100'000));
  EXPECT_EQ(control.rate(), 160);
  control.look(opened(160, 400'000));
  EXPECT_EQ(control.rate(), 80);
}

TEST(Pace, lots_are_drawn_among_the_connections_of_all_workers) {
  std::mt19937_64 chance(7);
  struct {
    std::mt19937_64& of;
    std::uint64_t next() { return of(); }
  } random{chance};
  EXPECT_EQ(share_out(10, {3, 0, 2}, random), (std::vector<std::size_t>{3, 0, 2}))
      << "not more than there are";
  EXPECT_EQ(share_out(0, {3, 1}, random), (std::vector<std::size_t>{0, 0}));
  std::vector<std::size_t> sum(3);
  for (int i = 0; i < 6'000; ++i) {
    const auto one = share_out(1, {30, 10, 20}, random);
    for (std::size_t worker = 0; worker < 3; ++worker) sum[worker] += one[worker];
  }
  EXPECT_NEAR(static_cast<double>(sum[0]), 3'000, 200);
  EXPECT_NEAR(static_cast<double>(sum[1]), 1'000, 200);
  EXPECT_NEAR(static_cast<double>(sum[2]), 2'000, 200);
}

TEST(Pace, a_pace_that_the_timeout_does_not_allow_is_found_before) {
  EXPECT_EQ(too_slow(20, 600, 30s), std::nullopt);
  EXPECT_EQ(too_slow(20, 1'000'000, 0s), std::nullopt) << "as long as it takes";
  EXPECT_EQ(too_slow(20, 9'600, 300s), "paced:20/s needs 8m for 9600 long connections, the timeout is 5m");
}

}  // namespace
}  // namespace sluice::change
