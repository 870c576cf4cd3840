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

}  // namespace
}  // namespace sluice::tls
