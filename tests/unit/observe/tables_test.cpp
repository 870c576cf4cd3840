// The tables of clients: rates and connections, both of fixed size and shared by all workers.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "proxy/observe/client_table.hpp"
#include "proxy/observe/rate_table.hpp"

namespace sluice::observe {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kKey = 0x1234'5678'9ABC'DEF0;

TEST(RateTable, A_burst_then_the_rate) {
  RateTable table;
  const std::uint64_t period = kSecond / 10;
  std::uint64_t now = 77 * kSecond;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(table.take(kKey, now, period, 5), 0u) << i;
  EXPECT_EQ(table.take(kKey, now, period, 5), period);
  EXPECT_EQ(table.take(kKey, now + period / 4, period, 5), period * 3 / 4);
  now += period;
  EXPECT_EQ(table.take(kKey, now, period, 5), 0u);
  EXPECT_EQ(table.take(kKey, now, period, 5), period) << "one a period, no more";
}

TEST(RateTable, After_a_rest_the_burst_is_there_again_and_no_more_than_that) {
  RateTable table;
  std::uint64_t now = 1;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(table.take(kKey, now, kSecond, 3), 0u);
  now += 3600 * kSecond;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(table.take(kKey, now, kSecond, 3), 0u);
  EXPECT_GT(table.take(kKey, now, kSecond, 3), 0u);
}

TEST(RateTable, Keys_do_not_pay_for_each_other) {
  RateTable table;
  EXPECT_EQ(table.take(kKey, 5, kSecond, 1), 0u);
  EXPECT_GT(table.take(kKey, 5, kSecond, 1), 0u);
  const std::uint64_t neighbour = kKey ^ (std::uint64_t{1} << 60);  // of the same bucket
  EXPECT_EQ(table.take(neighbour, 5, kSecond, 1), 0u);
  EXPECT_GT(table.take(neighbour, 5, kSecond, 1), 0u);
}

TEST(RateTable, X4_a_flood_of_keys_takes_the_place_of_those_who_are_least_near_their_limit) {
  RateTable table;
  for (int i = 0; i < 10; ++i) table.take(kKey, 5, kSecond, 10);
  EXPECT_GT(table.take(kKey, 5, kSecond, 10), 0u);
  for (std::uint64_t i = 1; i < 1000; ++i)
    EXPECT_EQ(table.take(kKey ^ (i << 50), 5, kSecond, 10), 0u) << "a new key is never refused";
  EXPECT_GT(table.take(kKey, 5, kSecond, 10), 0u) << "who is at his limit is remembered";
}

TEST(RateTable, The_clock_may_go_round) {
  RateTable table;
  const std::uint64_t end = (std::uint64_t{1} << 44) - 10;
  EXPECT_EQ(table.take(kKey, end, kSecond, 1), 0u);
  EXPECT_EQ(table.take(kKey, end + 20, kSecond, 1), kSecond - 20);
  EXPECT_EQ(table.take(kKey, end + kSecond, kSecond, 1), 0u);
}

TEST(RateTable, Threads_share_one_allowance) {
  RateTable table;
  std::atomic<int> allowed{0};
  std::vector<std::thread> threads;
  EXPECT_EQ(table.take(kKey, 5, kSecond, 1001), 0u);  // the key has its slot
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) allowed += table.take(kKey, 5, kSecond, 1001) == 0;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(allowed.load(), 1000);
}

TEST(ClientTable, X7_as_many_as_the_limit_and_again_when_one_has_left) {
  ClientTable table;
  const auto first = table.enter(kKey, 2), second = table.enter(kKey, 2);
  EXPECT_FALSE(first.refused);
  EXPECT_FALSE(second.refused);
  EXPECT_TRUE(table.enter(kKey, 2).refused);
  EXPECT_FALSE(table.enter(kKey + (std::uint64_t{1} << 40), 2).refused)
      << "somebody else, of the same bucket";
  ClientTable::leave(*first.slot);
  EXPECT_FALSE(table.enter(kKey, 2).refused);
  EXPECT_TRUE(table.enter(kKey, 2).refused);
}

TEST(ClientTable, X4_who_finds_no_room_is_let_in_and_not_counted) {
  ClientTable table;
  for (std::uint64_t i = 0; i < ClientTable::kWays; ++i)
    EXPECT_NE(table.enter(kKey ^ (i << 50), 1).slot, nullptr);
  const auto late = table.enter(kKey ^ (std::uint64_t{100} << 50), 1);
  EXPECT_FALSE(late.refused);
  EXPECT_EQ(late.slot, nullptr);
}

TEST(ClientTable, A_slot_that_is_free_again_serves_another) {
  ClientTable table;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const auto entry = table.enter(kKey ^ (i << 50), 1);
    ASSERT_NE(entry.slot, nullptr);
    ClientTable::leave(*entry.slot);
  }
}

}  // namespace
}  // namespace sluice::observe
