// G6 where users are told apart: what one of them does, and what all do.
#include "proxy/observe/breaker.hpp"

#include <gtest/gtest.h>

namespace sluice::observe {
namespace {

// As control/rollout/fast_fail.hpp makes it for a pool of which one error in a hundred is tolerated.
constexpr std::int32_t kUp = 4'318, kDown = 1'377, kTrip = 25'329;
constexpr int kErrors = 6;  // in a row that trip it

Breaker made(bool by_users = true) { return Breaker(kUp, kDown, kTrip, by_users); }

void answer_well(Breaker& breaker, std::uint32_t users) {
  for (std::uint32_t user = 0; user < users; ++user) breaker.count(false, user);
}

// Requests of `user` that fail, until the pool is not asked any more; those it was asked.
int fail_until_kept_out(Breaker& breaker, std::uint32_t user) {
  int asked = 0;
  for (; asked < 100; ++asked) {
    const auto entry = breaker.enter(user);
    if (entry == Breaker::Entry::refused) break;
    breaker.count(true, user);
    breaker.leave(entry);
  }
  return asked;
}

TEST(BreakerG6, OneUserWhoAlwaysFailsStopsNothingWhereOthersWereAnswered) {
  Breaker breaker = made();
  answer_well(breaker, 30);
  for (int round = 0; round < 50; ++round) {
    fail_until_kept_out(breaker, 7);
    ASSERT_FALSE(breaker.tripped()) << "round " << round;
    for (int i = 0; i < 20; ++i) breaker.count(false, 8);
  }
  EXPECT_GE(breaker.errors(), 50u) << "he is asked again when others were answered well";
  Breaker without = made(false);
  answer_well(without, 30);
  fail_until_kept_out(without, 7);
  EXPECT_TRUE(without.tripped()) << "without keys nobody knows that it is one user";
}

TEST(BreakerG6, APoolThatFailsAllItsUsersTripsAsSoonAsWithoutKeys) {
  Breaker breaker = made();
  answer_well(breaker, 30);
  for (std::uint32_t user = 0; user < kErrors; ++user) {
    ASSERT_FALSE(breaker.tripped()) << user;
    breaker.count(true, user);
  }
  EXPECT_TRUE(breaker.tripped());
}

TEST(BreakerG6, APoolThatFailedAllItEverGotTripsWhoeverAsked) {
  for (const std::uint32_t users : {1u, 2u, 3u}) {
    Breaker breaker = made();
    int errors = 0;
    for (; !breaker.tripped() && errors < 100; ++errors)
      breaker.count(true, static_cast<std::uint32_t>(errors) % users);
    EXPECT_EQ(errors, kErrors) << users << " users";
  }
}

TEST(BreakerG6, AndInAServiceOfFewUsersTooWhenItBreaksLater) {
  Breaker breaker = made();
  for (int i = 0; i < 1'000; ++i) breaker.count(false, 3);
  EXPECT_EQ(fail_until_kept_out(breaker, 3), kErrors);
  EXPECT_TRUE(breaker.tripped()) << "its only user";
}

// No pool has more errors than without the rule, and it ends when enough users have asked.
TEST(BreakerG6, APoolThatBreaksLaterFailsTenAtMostWhoeverAsksAndInWhateverOrder) {
  for (const std::uint32_t greedy : {0u, 5u, 11u}) {
    Breaker breaker = made();
    answer_well(breaker, 30);
    int errors = 0;
    for (std::uint32_t other = 12; other < 24 && !breaker.tripped(); ++other)
      errors += fail_until_kept_out(breaker, greedy) + fail_until_kept_out(breaker, other);
    EXPECT_TRUE(breaker.tripped());
    EXPECT_LE(errors, Breaker::kUnproven);
  }
}

TEST(BreakerG6, APoolThatBreaksLaterWithOneUserLeftTripsWhenHeHasAskedOftenInVain) {
  Breaker breaker = made();
  answer_well(breaker, 30);
  const int asked = fail_until_kept_out(breaker, 7);
  EXPECT_LE(asked, Breaker::kUnproven);
  for (std::uint32_t i = 2; i < Breaker::kKeptOut; ++i) breaker.enter(7);
  EXPECT_FALSE(breaker.tripped());
  breaker.count(false, 8);  // somebody else is answered well: it is he
  fail_until_kept_out(breaker, 7);
  for (std::uint32_t i = 2; i < Breaker::kKeptOut; ++i) breaker.enter(7);
  EXPECT_FALSE(breaker.tripped());
  breaker.enter(7);
  EXPECT_TRUE(breaker.tripped());
}

TEST(BreakerG6, AnOutageThatTheStablePoolSharesStopsNothing) {
  Breaker breaker = made();
  answer_well(breaker, 30);
  for (std::uint32_t i = 0; i < 4'000; ++i) {
    const bool error = i * 2'654'435'761u >> 30 == 0;  // a quarter, as it comes
    breaker.count_stable(error);
    breaker.count_stable(!error && i % 3 == 0);
    if (i > 16) breaker.count(error, i);
    ASSERT_FALSE(breaker.tripped()) << i;
  }
}

TEST(BreakerG6, ButAPoolThatFailsEverythingDoesAlsoThenWhoeverAsks) {
  for (const std::uint32_t greedy : {0u, 5u, 11u}) {
    Breaker breaker = made();
    answer_well(breaker, 30);
    for (int i = 0; i < 100; ++i) breaker.count_stable(i % 3 == 0);
    int errors = 0;
    for (std::uint32_t other = 12; other < 24 && !breaker.tripped(); ++other)
      errors += fail_until_kept_out(breaker, greedy) + fail_until_kept_out(breaker, other);
    EXPECT_TRUE(breaker.tripped());
    EXPECT_LE(errors, Breaker::kUnproven);
  }
}

TEST(BreakerG6, ThoughLater) {
  Breaker breaker = made();
  answer_well(breaker, 30);
  for (int i = 0; i < 100; ++i) breaker.count_stable(i % 3 == 0);
  std::uint32_t errors = 0;
  for (; !breaker.tripped() && errors < 100; ++errors) breaker.count(true, errors);
  EXPECT_GT(errors, 6u) << "an error says less while stable has them, too";
  EXPECT_LE(errors, 10u);
}

TEST(BreakerG6, AStablePoolWithAnErrorNowAndThenExcusesNothing) {
  Breaker breaker = made();
  answer_well(breaker, 30);
  for (int i = 0; i < 10'000; ++i) breaker.count_stable(i % 100 == 0);
  for (std::uint32_t user = 0; user < kErrors; ++user) breaker.count(true, user);
  EXPECT_TRUE(breaker.tripped());
}

TEST(BreakerG6, AnotherProcessKnowsWhoFailed) {
  Breaker breaker = made();
  answer_well(breaker, 30);
  const int asked = fail_until_kept_out(breaker, 7);
  Breaker next(breaker.state());
  EXPECT_EQ(next.enter(7), Breaker::Entry::refused);
  EXPECT_NE(next.enter(8), Breaker::Entry::refused);
  for (std::uint32_t user = 10; !next.tripped() && user < 30; ++user) next.count(true, user);
  EXPECT_EQ(next.errors(), static_cast<std::uint64_t>(kErrors)) << asked << " of them the first process's";
}

}  // namespace
}  // namespace sluice::observe
