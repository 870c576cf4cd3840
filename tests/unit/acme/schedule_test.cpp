#include "control/acme/schedule.hpp"

#include <gtest/gtest.h>

namespace sluice::acme {
namespace {

using namespace std::chrono_literals;

constexpr UnixMilliseconds at(milliseconds time) { return time.count(); }

constexpr UnixMilliseconds kNow = 1'700'000'000'000;
constexpr milliseconds kDay = 24h;

Situation with_life(milliseconds life, milliseconds passed) {
  Situation situation;
  situation.life = RenewalWindow{kNow - at(passed), kNow - at(passed) + at(life)};
  situation.issued = situation.life->start;
  return situation;
}

Situation failed(Situation situation, std::uint32_t times, FailureKind kind = FailureKind::refused) {
  situation.failures = times;
  situation.kind = kind;
  situation.failed = kNow;
  return situation;
}

TEST(Schedule, TheFirstIsOrderedNow) { EXPECT_EQ(next_order({}, kNow, 0.5), kNow); }

TEST(Schedule, ARenewalIsDueAtTwoThirdsOfTheLifeOrALittleLater) {
  const Situation fresh = with_life(90 * kDay, 0ms);
  EXPECT_EQ(next_order(fresh, kNow, 0), kNow + at(60 * kDay));
  EXPECT_GT(next_order(fresh, kNow, 1), kNow + at(61 * kDay));
  EXPECT_LT(next_order(fresh, kNow, 1), kNow + at(62 * kDay));
  EXPECT_EQ(next_order(with_life(90 * kDay, 80 * kDay), kNow, 0), kNow);
  EXPECT_EQ(next_order(with_life(90 * kDay, 100 * kDay), kNow, 0), kNow);
  EXPECT_EQ(next_order(with_life(10s, 0ms), kNow, 0) - kNow, 6'667);
}

TEST(Schedule, WhatIsAnotherThanWasAskedForIsOrderedNow) {
  Situation other = with_life(90 * kDay, 0ms);
  other.is_another = true;
  EXPECT_EQ(next_order(other, kNow, 0.5), kNow);
}

// RFC 9773 4.2: a moment of the window, at random; one that has passed is now.
TEST(Schedule, TheServersWindowGoesBeforeTheTwoThirds) {
  Situation situation = with_life(90 * kDay, 10 * kDay);
  situation.window = RenewalWindow{kNow + at(5 * kDay), kNow + at(7 * kDay)};
  EXPECT_EQ(next_order(situation, kNow, 0), kNow + at(5 * kDay));
  EXPECT_EQ(next_order(situation, kNow, 0.5), kNow + at(6 * kDay));
  situation.window = RenewalWindow{kNow - at(2 * kDay), kNow - at(kDay)};
  EXPECT_EQ(next_order(situation, kNow, 0.5), kNow);
  situation.window = RenewalWindow{kNow + at(70 * kDay), kNow + at(71 * kDay)};
  EXPECT_EQ(next_order(situation, kNow, 0), kNow + at(70 * kDay));
}

TEST(Schedule, AServerThatAlwaysSaysNowIsNoLoop) {
  Situation situation = with_life(90 * kDay, 0ms);
  situation.window = RenewalWindow{kNow - 2, kNow - 1};
  EXPECT_EQ(next_order(situation, kNow, 0.5), kNow + at(1h));
  Situation brief = with_life(10s, 0ms);
  brief.window = situation.window;
  EXPECT_EQ(next_order(brief, kNow, 0.5), kNow + at(1s));
}

TEST(Schedule, AfterAFailureItIsTriedLaterAndLater) {
  const milliseconds expected[] = {1min, 3min, 9min, 27min, 1h, 1h};
  std::uint32_t times = 0;
  for (const auto wait : expected) EXPECT_EQ(backoff(failed({}, ++times)), wait) << times;
  EXPECT_EQ(backoff(failed({}, 1, FailureKind::unreachable)), 2s);
  EXPECT_EQ(backoff(failed({}, 4'000'000'000)), 1h);
  EXPECT_EQ(next_order(failed({}, 2), kNow, 0), kNow + at(135s));
  EXPECT_EQ(next_order(failed({}, 2), kNow, 1), kNow + at(225s));
}

// Rare while there is time, and more often as it runs out: a server that is away for a day costs nothing.
TEST(Schedule, TheNearerTheEndTheSoonerItIsTriedAgain) {
  EXPECT_EQ(backoff(failed(with_life(90 * kDay, 60 * kDay), 20)), 6h);
  EXPECT_EQ(backoff(failed(with_life(90 * kDay, 89 * kDay), 20)), 72min);
  EXPECT_EQ(backoff(failed(with_life(90 * kDay, 90 * kDay - 1h), 20)), 3min);
  EXPECT_EQ(backoff(failed(with_life(90 * kDay, 90 * kDay - 1s), 20)), 1s);
  EXPECT_EQ(backoff(failed(with_life(90 * kDay, 91 * kDay), 20)), 1h);
}

// From two thirds on with a server that never answers: in order, and how many there are before the end.
TEST(Schedule, OfAServerThatStaysAwayThereAreAHundredTriesBeforeTheEnd) {
  Situation situation = with_life(90 * kDay, 60 * kDay);
  const UnixMilliseconds end = situation.life->end;
  UnixMilliseconds now = kNow;
  std::uint32_t tries = 0;
  while (now < end) {
    situation = failed(situation, ++tries, FailureKind::unreachable);
    situation.failed = now;
    const auto next = next_order(situation, now, 0.5);
    ASSERT_GT(next, now);
    ASSERT_LT(next - now, at(7h));
    now = next;
  }
  EXPECT_GT(tries, 100u);
  EXPECT_LT(tries, 500u);
}

TEST(Schedule, TheServersPatienceIsObeyedAlsoInAHurry) {
  Situation situation = failed({}, 1);
  situation.not_before = kNow + at(5h);
  EXPECT_EQ(next_order(situation, kNow, 0.5), kNow + at(5h));
  situation.hurried = true;
  EXPECT_EQ(next_order(situation, kNow, 0.5), kNow + at(5h));
  situation.not_before = 0;
  EXPECT_EQ(next_order(situation, kNow, 0.5), kNow);
}

}  // namespace
}  // namespace sluice::acme
