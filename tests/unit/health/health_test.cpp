#include "control/health/health.hpp"

#include <gtest/gtest.h>

namespace sluice::health {
namespace {

using observe::Health;
using std::chrono::milliseconds;

HealthState up_now(int rise, int fall) {
  HealthState state(rise, fall);
  for (int i = 0; i < rise; ++i) state.observe(true);
  return state;
}

TEST(HealthState, H2_unknown_turns_up_after_rise_probes) {
  HealthState state(2, 3);
  EXPECT_EQ(state.health(), Health::unknown);
  EXPECT_FALSE(state.observe(true));
  EXPECT_EQ(state.health(), Health::unknown);
  EXPECT_TRUE(state.observe(true));
  EXPECT_EQ(state.health(), Health::up);
}

TEST(HealthState, H2_down_after_fall_probes_in_a_row) {
  HealthState state = up_now(2, 3);
  EXPECT_FALSE(state.observe(false));
  EXPECT_FALSE(state.observe(false));
  EXPECT_TRUE(state.observe(false));
  EXPECT_EQ(state.health(), Health::down);
}

TEST(HealthState, H2_a_success_between_begins_the_count_again) {
  HealthState state = up_now(1, 2);
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(state.observe(false));
    EXPECT_FALSE(state.observe(true));
  }
  EXPECT_EQ(state.health(), Health::up);
}

TEST(HealthState, H2_one_failed_probe_flips_nothing_even_with_fall_1) {
  HealthState state = up_now(1, 1);
  EXPECT_FALSE(state.observe(false));
  EXPECT_EQ(state.health(), Health::up);
  HealthState fresh(1, 1);
  EXPECT_FALSE(fresh.observe(false));
  EXPECT_EQ(fresh.health(), Health::unknown);
}

TEST(HealthState, mixed_results_while_unknown_decide_nothing_until_one_side_has_enough) {
  HealthState state(2, 2);
  EXPECT_FALSE(state.observe(true));
  EXPECT_FALSE(state.observe(false));
  EXPECT_FALSE(state.observe(true));
  EXPECT_EQ(state.health(), Health::unknown);
  EXPECT_TRUE(state.observe(true));
  EXPECT_EQ(state.health(), Health::up);
}

TEST(HealthState, C4_new_counts_keep_what_is_known) {
  HealthState state = up_now(2, 3);
  state.set_counts(5, 5);
  EXPECT_EQ(state.health(), Health::up);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(state.observe(false));
  EXPECT_TRUE(state.observe(false));
}

TEST(HealthState, unsettled_while_unknown_or_contradicted) {
  HealthState state(1, 3);
  EXPECT_FALSE(state.settled());
  state.observe(true);
  EXPECT_TRUE(state.settled());
  state.observe(false);
  EXPECT_FALSE(state.settled());
  state.observe(true);
  EXPECT_TRUE(state.settled());
}

TEST(NextProbe, comes_sooner_while_unsettled_but_never_later_than_the_interval) {
  EXPECT_EQ(next_probe(milliseconds(2000), true, 0), milliseconds(2000));
  EXPECT_EQ(next_probe(milliseconds(2000), false, 0), milliseconds(500));
  EXPECT_EQ(next_probe(milliseconds(200), false, 0), milliseconds(100));
  EXPECT_EQ(next_probe(milliseconds(50), false, 0), milliseconds(50));
}

TEST(NextProbe, H2_jitter_moves_it_by_a_tenth) {
  EXPECT_EQ(next_probe(milliseconds(1000), true, 1), milliseconds(1100));
  EXPECT_EQ(next_probe(milliseconds(1000), true, -1), milliseconds(900));
}

}  // namespace
}  // namespace sluice::health
