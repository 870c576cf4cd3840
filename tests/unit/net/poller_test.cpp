// Who is told what, when entries come and go while events are being handed out.
#include "proxy/net/poller.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sluice::net {
namespace {

using namespace std::chrono_literals;

struct Ear final : Poller::Entry {
  Ear(Poller& poller_, std::function<void()> heard_) : poller(poller_), heard(std::move(heard_)) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) std::abort();
    poller.add(fds[0], *this);
  }
  ~Ear() {
    poller.remove(fds[0], *this);
    ::close(fds[0]);
    ::close(fds[1]);
  }
  void on_events(std::uint32_t events) override {
    if (!(events & EPOLLIN)) return;
    ++events_told;
    heard();
  }
  void on_deferred() override {
    ++deferred_told;
    heard();
  }
  void on_late() override {
    ++late_told;
    heard();
  }
  void on_send() override {
    ++sends_told;
    heard();
  }
  void say() { EXPECT_EQ(::send(fds[1], "x", 1, 0), 1); }

  Poller& poller;
  std::function<void()> heard;
  int fds[2];
  int events_told = 0, deferred_told = 0, late_told = 0, sends_told = 0;
};

TEST(Poller, An_entry_that_goes_while_events_are_handed_out_hears_nothing_more) {
  Poller poller;
  std::vector<std::unique_ptr<Ear>> ears;
  int told = 0;
  for (int i = 0; i < 100; ++i)
    ears.push_back(std::make_unique<Ear>(poller, [&] {
      ++told;
      ears.clear();  // also the one that speaks
    }));
  for (auto& ear : ears) ear->say();
  for (int i = 0; i < 5; ++i) poller.wait(1ms);
  EXPECT_EQ(told, 1);
}

TEST(Poller, More_that_is_ready_than_fits_a_batch_is_all_told) {
  Poller poller;
  int told = 0;
  std::vector<std::unique_ptr<Ear>> ears;
  for (int i = 0; i < 400; ++i) ears.push_back(std::make_unique<Ear>(poller, [&told] { ++told; }));
  for (auto& ear : ears) ear->say();
  for (int i = 0; i < 20 && told < 400; ++i) poller.wait(1ms);
  EXPECT_EQ(told, 400);
}

TEST(Poller, What_is_deferred_comes_in_the_next_round_once_and_not_after_its_entry_went) {
  Poller poller;
  Ear ear(poller, [] {});
  auto gone = std::make_unique<Ear>(poller, [] { ADD_FAILURE() << "it is gone"; });
  poller.defer(ear);
  poller.defer(ear);
  poller.defer(*gone);
  EXPECT_EQ(ear.deferred_told, 0);
  gone.reset();
  poller.wait(1s);
  EXPECT_EQ(ear.deferred_told, 1);
}

TEST(Poller, What_defers_itself_for_ever_does_not_keep_events_from_others) {
  Poller poller;
  Ear busy(poller, [] {});
  busy.heard = [&] { poller.defer(busy); };
  Ear other(poller, [] {});
  poller.defer(busy);
  other.say();
  for (int i = 0; i < 3; ++i) poller.wait(1s);
  EXPECT_EQ(other.events_told, 1);
  EXPECT_GE(busy.deferred_told, 3);
}

TEST(Poller, Who_is_late_comes_behind_all_others_and_what_they_send_and_sends_in_the_same_round) {
  Poller poller;
  std::string order;
  Ear late(poller, [] {}), other(poller, [] {});
  late.heard = [&] {
    order += late.sends_told > 0 ? "S" : "L";
    if (late.sends_told == 0) poller.send_later(late);
  };
  other.heard = [&] {
    order += other.sends_told > 0 ? "s" : "e";
    if (other.sends_told == 0) poller.send_later(other);
  };
  poller.defer_late(late);
  poller.defer_late(late);
  other.say();
  poller.wait(1s);
  EXPECT_EQ(order, "esLS");
  poller.wait(0ms);
  EXPECT_EQ(late.late_told, 1);
}

TEST(Poller, A_round_takes_few_of_those_who_are_late_in_their_order_and_does_not_wait_for_the_rest) {
  Poller poller;
  std::vector<std::unique_ptr<Ear>> ears;
  std::vector<int> told;
  for (int i = 0; i < 10; ++i) {
    ears.push_back(std::make_unique<Ear>(poller, [&told, i] { told.push_back(i); }));
    poller.defer_late(*ears.back());
  }
  poller.wait(10s);
  EXPECT_EQ(told, (std::vector{0, 1, 2, 3, 4, 5, 6, 7}));
  poller.wait(10s);
  EXPECT_EQ(told, (std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(Poller, Who_is_late_may_ask_again_and_end_those_that_wait_with_it) {
  Poller poller;
  Ear first(poller, [] {});
  auto gone = std::make_unique<Ear>(poller, [] { ADD_FAILURE() << "it is gone"; });
  first.heard = [&] {
    gone.reset();
    poller.defer_late(first);
  };
  poller.defer_late(first);
  poller.defer_late(*gone);
  for (int i = 0; i < 3; ++i) poller.wait(1s);
  EXPECT_EQ(first.late_told, 3);
}

TEST(Poller, A_wakeup_ends_a_wait_from_another_thread_and_none_is_lost) {
  Poller poller;
  std::atomic<int> posted{0};
  int seen = 0;
  std::thread ringer([&] {
    for (int i = 0; i < 1'000; ++i) {
      posted.fetch_add(1);
      poller.wake();
    }
  });
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (seen < 1'000 && std::chrono::steady_clock::now() < deadline)
    if (poller.wait(10s)) seen = posted.load();
  ringer.join();
  EXPECT_EQ(seen, 1'000);
}

}  // namespace
}  // namespace sluice::net
