// A service's places: the limit is exact, nobody is forgotten (X7, P1).
#include <thread>

#include "world.hpp"

namespace sluice::worker {
namespace {

TEST(Admission, X7_there_are_never_more_inside_than_the_limit_says) {
  observe::ServiceLive service(4);
  constexpr std::uint32_t kLimit = 3;
  std::atomic<std::uint32_t> inside{0}, most{0}, entered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        if (!exchange::Concurrency::try_enter(service, kLimit)) continue;
        const auto now = inside.fetch_add(1) + 1;
        for (auto seen = most.load(); now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        entered.fetch_add(1);
        inside.fetch_sub(1);
        service.in_flight.fetch_sub(1);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_LE(most.load(), kLimit);
  EXPECT_GT(entered.load(), 0u);
  EXPECT_EQ(service.in_flight.load(), 0u);
}

class Places : public OneOrigin {
 protected:
  void limit(std::uint32_t in_flight, std::uint32_t queue) {
    world.spec.limits.in_flight = in_flight;
    world.spec.limits.queue = queue;
    world.publish();
  }
  Peer& ask(const std::string& path) {
    Peer& client = world.client();
    client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
    return client;
  }
  void waiting(std::uint32_t count) {
    EXPECT_TRUE(world.until([&] { return world.live->waiting.load() == count; }));
  }
};

TEST_F(Places, P1_those_who_wait_are_let_in_in_order) {
  limit(1, 10);
  Peer& first = ask("/1");
  asked(0, "GET /1");
  Peer& second = ask("/2");
  waiting(1);
  Peer& third = ask("/3");
  waiting(2);
  (*origin)[0].send(kOk);
  answered(first, "\r\n\r\nok");
  asked(0, "GET /2");
  EXPECT_THAT((*origin)[0].got, Not(HasSubstr("GET /3")));
  (*origin)[0].send(kOk);
  answered(second, "\r\n\r\nok");
  asked(0, "GET /3").send(kOk);
  answered(third, "\r\n\r\nok");
}

TEST_F(Places, X7_a_full_queue_is_503_overload_at_once) {
  limit(1, 1);
  ask("/1");
  asked(0, "GET /1");
  ask("/2");
  waiting(1);
  Peer& third = ask("/3");
  answered(third, "HTTP/1.1 503");
  EXPECT_THAT(third.got, HasSubstr("X-Sluice-Error: overload"));
  EXPECT_THAT(third.got, HasSubstr("Retry-After: 1"));
}

TEST_F(Places, A_client_that_leaves_the_queue_takes_no_place) {
  limit(1, 10);
  Peer& first = ask("/1");
  asked(0, "GET /1");
  Peer& second = ask("/2");
  waiting(1);
  second.abort();
  waiting(0);
  (*origin)[0].send(kOk);
  answered(first, "\r\n\r\nok");
  world.settle();
  EXPECT_THAT((*origin)[0].got, Not(HasSubstr("GET /2")));
  EXPECT_EQ(world.live->in_flight.load(), 0u);
}

TEST_F(Places, X5_nobody_waits_for_ever) {
  limit(1, 10);
  ask("/1");
  asked(0, "GET /1");
  world.spec.limits.queue_time = 1s;
  world.publish();
  Peer& second = ask("/2");
  waiting(1);
  world.skip(2s);
  answered(second, "HTTP/1.1 503");
  EXPECT_EQ(world.live->waiting.load(), 0u);
}

TEST_F(Places, X7_a_queue_that_stands_for_longer_than_queue_time_makes_newcomers_wait_a_tenth_of_it) {
  world.spec.limits.queue_time = 10s;
  limit(1, 10);
  ask("/1");
  asked(0, "GET /1");
  Peer& second = ask("/2");
  waiting(1);
  world.skip(9s);
  world.step();
  Peer& third = ask("/3");
  waiting(2);
  world.skip(2s);  // the queue stands for eleven seconds, the third waits for two
  answered(second, "HTTP/1.1 503");
  Peer& fourth = ask("/4");
  waiting(2);
  world.skip(2s);
  answered(fourth, "HTTP/1.1 503");
  EXPECT_EQ(third.got, "") << "who came before the queue was old keeps his time";
  world.skip(6s);
  answered(third, "HTTP/1.1 503");
  Peer& fifth = ask("/5");  // the queue has been empty
  waiting(1);
  world.skip(9s);
  world.settle();
  EXPECT_EQ(fifth.got, "");
}

}  // namespace
}  // namespace sluice::worker
