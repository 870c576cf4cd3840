#include "proxy/tls/tickets.hpp"

#include <gtest/gtest.h>

namespace sluice::tls {
namespace {

using namespace std::chrono_literals;

TEST(TicketKeys, ANewOneEveryHourAndTheTwoBeforeItAccepted) {
  const TicketKeys::Clock::time_point start{};
  TicketKeys keys(start);
  const auto first = keys.current(start + 59min);
  TicketKeys::Found found;
  ASSERT_TRUE(keys.find(first.name.data(), start + 59min, found));
  EXPECT_TRUE(found.current);
  EXPECT_NE(keys.current(start + 60min).name, first.name);
  ASSERT_TRUE(keys.find(first.name.data(), start + 179min, found));
  EXPECT_FALSE(found.current);
  EXPECT_EQ(found.key.cipher, first.cipher);
  EXPECT_FALSE(keys.find(first.name.data(), start + 180min, found));
}

TEST(TicketKeys, AfterHoursWithoutAnybodyNoOldKeyIsLeft) {
  const TicketKeys::Clock::time_point start{};
  TicketKeys keys(start);
  const auto first = keys.current(start);
  TicketKeys::Found found;
  EXPECT_FALSE(keys.find(first.name.data(), start + 1000h, found));
}

TEST(TicketKeys, TheNextProcessAcceptsAndSealsWithTheSameKeysForAsLong) {
  const TicketKeys::Clock::time_point start{};
  TicketKeys before(start);
  const auto first = before.current(start);
  const auto second = before.current(start + 70min);
  const std::string text = before.text(start + 80min, 1'000'000);  // the newest is 20 minutes old

  const auto boot = start + 1000h;  // another clock
  TicketKeys after(boot);
  const auto turn = after.turn(boot);
  ASSERT_TRUE(after.restore(text, boot, 1'000'000 + 5 * 60));
  EXPECT_NE(after.turn(boot), turn);
  EXPECT_EQ(after.current(boot).name, second.name);
  TicketKeys::Found found;
  ASSERT_TRUE(after.find(first.name.data(), boot, found));
  EXPECT_EQ(found.key.mac, first.mac);
  EXPECT_EQ(after.current(boot + 34min).name, second.name);
  EXPECT_NE(after.current(boot + 35min).name, second.name) << "its hour goes on";
}

TEST(TicketKeys, WhatIsNoTextOfTheirsOrTooOldChangesNothing) {
  const TicketKeys::Clock::time_point now{};
  TicketKeys keys(now);
  const auto name = keys.current(now).name;
  const std::string text = TicketKeys(now).text(now, 1'000'000);
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(keys.restore(text.substr(0, size), now, 1'000'000)) << size;
  std::string other = text;
  other[other.size() - 2] = 'x';
  EXPECT_FALSE(keys.restore(other, now, 1'000'000));
  EXPECT_FALSE(keys.restore(text + "x", now, 1'000'000));
  EXPECT_FALSE(keys.restore(text, now, 999'999)) << "from the future";
  EXPECT_FALSE(keys.restore(text, now, 1'000'000 + 3 * 3600));
  EXPECT_EQ(keys.current(now).name, name);
  EXPECT_TRUE(keys.restore(text, now, 1'000'000 + 3 * 3600 - 1));
}

}  // namespace
}  // namespace sluice::tls
