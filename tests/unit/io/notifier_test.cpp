#include "control/io/notifier.hpp"

#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "control/change/events.hpp"
#include "unit/io/loop.hpp"

namespace sluice::io {
namespace {

using change::EventLog;

using namespace std::chrono_literals;
using boost::asio::awaitable;

awaitable<bool> hold(AsyncMutex& turn, std::vector<int>& order, int number, Notifier& notifier) {
  const AsyncMutex::Held held = co_await turn.take();
  order.push_back(number);
  co_await notifier.wait_until(Clock::now() + 5ms);
  order.push_back(number);
  co_return true;
}

TEST(Notifier, wakes_all_who_wait) {
  Loop loop;
  Notifier notifier(loop.io.get_executor());
  std::optional<bool> first, second;
  loop.begin(notifier.wait(), first);
  loop.begin(notifier.wait(), second);
  loop.io.poll();
  EXPECT_FALSE(first || second);
  notifier.notify();
  ASSERT_TRUE(loop.run_until([&] { return first && second; }));
  EXPECT_TRUE(*first && *second);
}

TEST(Notifier, a_limit_ends_the_waiting) {
  Loop loop;
  Notifier notifier(loop.io.get_executor());
  EXPECT_FALSE(loop.run(notifier.wait_until(Clock::now() + 5ms)));
}

TEST(Notifier, may_go_before_those_who_wait) {
  auto notifier = std::make_unique<Notifier>(boost::asio::any_io_executor());
  Loop loop;
  notifier = std::make_unique<Notifier>(loop.io.get_executor());
  std::optional<bool> waited;
  loop.begin(notifier->wait(), waited);
  loop.io.poll();
  notifier.reset();
  EXPECT_FALSE(waited);
}

TEST(AsyncResult, gives_the_value_whether_it_came_before_or_after) {
  Loop loop;
  const auto gate = std::make_shared<AsyncResult<int>>(loop.io.get_executor());
  std::optional<int> early;
  loop.begin(gate->wait(), early);
  loop.io.poll();
  gate->set(7);
  EXPECT_EQ(loop.run(gate->wait()), 7);
  EXPECT_EQ(early, 7);
}

TEST(AsyncMutex, is_given_in_the_order_of_asking_one_at_a_time) {
  Loop loop;
  AsyncMutex turn(loop.io.get_executor());
  Notifier notifier(loop.io.get_executor());
  std::vector<int> order;
  std::optional<bool> done[3];
  for (int i = 0; i < 3; ++i) loop.begin(hold(turn, order, i, notifier), done[i]);
  ASSERT_TRUE(loop.run_until([&] { return done[0] && done[1] && done[2]; }));
  EXPECT_EQ(order, (std::vector<int>{0, 0, 1, 1, 2, 2}));
}

TEST(EventLog, keeps_the_last_thousand_and_says_what_is_lost) {
  Loop loop;
  EventLog log(loop.io.get_executor());
  for (int i = 0; i < 1500; ++i) log.add("change", "api", "event");
  EXPECT_EQ(log.last_id(), 1500u);
  const auto all = log.after(0);
  ASSERT_EQ(all.events.size(), EventLog::kKept);
  EXPECT_EQ(all.events.front().id, 501u);
  EXPECT_EQ(all.lost, 500u);
  const auto some = log.after(1498);
  EXPECT_EQ(some.events.size(), 2u);
  EXPECT_EQ(some.lost, 0u);
  EXPECT_TRUE(log.after(1500).events.empty());
}

TEST(EventLog, wakes_a_follower_and_lets_it_go_at_the_end) {
  Loop loop;
  EventLog log(loop.io.get_executor());
  std::optional<bool> got;
  loop.begin(log.wait_after(0, 10s), got);
  loop.io.poll();
  EXPECT_FALSE(got);
  log.add("change", "api", "event");
  ASSERT_TRUE(loop.run_until([&] { return got.has_value(); }));
  EXPECT_TRUE(*got);
  std::optional<bool> ended;
  loop.begin(log.wait_after(1, 10s), ended);
  loop.io.poll();
  log.close();
  ASSERT_TRUE(loop.run_until([&] { return ended.has_value(); }));
  EXPECT_FALSE(*ended);
}

}  // namespace
}  // namespace sluice::io
