// Slots of a service and of its backends: the limit is exact, no request is forgotten, none waits for ever
// (X7, X5, P1).
#include <atomic>
#include <thread>

#include "stage.hpp"

namespace sluice::exchange {
namespace {

TEST(Slots, X7_there_are_never_more_inside_than_the_limit_says) {
  observe::ServiceLive service(4);
  constexpr std::uint32_t kLimit = 3;
  std::atomic<std::uint32_t> inside{0}, most{0}, entered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        if (!Concurrency::try_enter(service, kLimit)) continue;
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

class ServiceSlots : public OneBackend {
 protected:
  void limit(std::uint32_t in_flight, std::uint32_t queue) {
    spec.limits.in_flight = in_flight;
    spec.limits.queue = queue;
    publish();
  }
  std::uint32_t waiting() const { return live->waiting.load(); }
  static bool refused(const ManualClient& client) {
    return client.over && client.status() == 503 && client.error == "overload";
  }
};

TEST_F(ServiceSlots, P1_those_who_wait_are_let_in_in_order) {
  limit(1, 10);
  const ManualClient& first = get("/1");
  ASSERT_EQ(asked(), 1u);
  const ManualClient& second = get("/2");
  EXPECT_EQ(waiting(), 1u);
  const ManualClient& third = get("/3");
  EXPECT_EQ(waiting(), 2u);
  answer(0);
  EXPECT_TRUE(served(first));
  ASSERT_EQ(asked(), 2u);
  EXPECT_TRUE(side(1).has("GET /2 "));
  answer(1);
  EXPECT_TRUE(served(second));
  ASSERT_EQ(asked(), 3u);
  EXPECT_TRUE(side(2).has("GET /3 "));
  answer(2);
  EXPECT_TRUE(served(third));
}

TEST_F(ServiceSlots, X7_a_full_queue_is_503_overload_at_once) {
  limit(1, 1);
  get("/1");
  get("/2");
  EXPECT_EQ(waiting(), 1u);
  EXPECT_TRUE(refused(get("/3")));
  EXPECT_EQ(asked(), 1u);
}

TEST_F(ServiceSlots, a_client_that_leaves_the_queue_takes_no_slot) {
  limit(1, 10);
  const ManualClient& first = get("/1");
  ManualClient& second = get("/2");
  EXPECT_EQ(waiting(), 1u);
  second.leave();
  rounds();
  EXPECT_EQ(waiting(), 0u);
  answer(0);
  EXPECT_TRUE(served(first));
  EXPECT_EQ(asked(), 1u);
  EXPECT_EQ(live->in_flight.load(), 0u);
}

TEST_F(ServiceSlots, X5_nobody_waits_for_ever) {
  limit(1, 10);
  get("/1");
  spec.limits.queue_time = 1s;
  publish();
  const ManualClient& second = get("/2");
  EXPECT_EQ(waiting(), 1u);
  skip(2s);
  EXPECT_TRUE(refused(second));
  EXPECT_EQ(waiting(), 0u);
}

TEST_F(ServiceSlots, X7_a_queue_that_stands_for_longer_than_queue_time_makes_newcomers_wait_a_tenth_of_it) {
  spec.limits.queue_time = 10s;
  limit(1, 10);
  get("/1");
  const ManualClient& second = get("/2");
  skip(9s);
  const ManualClient& third = get("/3");
  EXPECT_EQ(waiting(), 2u);
  skip(2s);  // the queue stands for eleven seconds, the third waits for two
  EXPECT_TRUE(refused(second));
  const ManualClient& fourth = get("/4");
  EXPECT_EQ(waiting(), 2u);
  skip(2s);
  EXPECT_TRUE(refused(fourth));
  EXPECT_FALSE(third.over) << "who came before the queue was old keeps his time";
  skip(7s);
  EXPECT_TRUE(refused(third));
  const ManualClient& fifth = get("/5");  // the queue has been empty
  EXPECT_EQ(waiting(), 1u);
  skip(9s);
  EXPECT_FALSE(fifth.over);
}

TEST_F(ServiceSlots, X7_by_default_a_slot_of_the_service_is_waited_for_5_s) {
  limit(1, config::LimitSpec().queue);
  get("/1");
  const ManualClient& second = get("/2");
  EXPECT_EQ(waiting(), 1u);
  takes(5s, [&] { return refused(second); });
}

TEST_F(ServiceSlots, X7_by_default_a_slot_on_a_backend_is_waited_for_5_s) {
  pools[0].backends[0].max_in_flight = 1;
  publish();
  get("/1");
  const ManualClient& second = get("/2");
  EXPECT_EQ(live->waiting_for_backend.load(), 1u);
  takes(5s, [&] { return refused(second); });
}

TEST_F(ServiceSlots, X7_by_default_10000_requests_at_a_time_and_1000_that_wait) {
  live->in_flight += 9'999;
  get("/1");
  EXPECT_EQ(asked(), 1u) << "the 10,000th goes on";
  EXPECT_EQ(waiting(), 0u);
  live->waiting += 999;
  const ManualClient& last = get("/2");
  EXPECT_EQ(waiting(), 1'000u) << "the next one waits";
  EXPECT_FALSE(last.over);
  EXPECT_TRUE(refused(get("/3"))) << "one more is refused";
  live->in_flight -= 9'999;
  live->waiting -= 999;
}

TEST_F(ServiceSlots, D6_what_waits_for_a_slot_or_uploads_can_be_cut) {
  limit(1, 10);
  ManualClient& uploading = ask(upload(1000));
  uploading.send("abc");
  rounds();
  ASSERT_TRUE(side(0).has("abc"));
  ManualClient& waits = ask(upload(1000));
  EXPECT_EQ(waiting(), 1u);
  waits.close_now();
  uploading.close_now();
  rounds();
  EXPECT_TRUE(uploading.over && waits.over);
}

}  // namespace
}  // namespace sluice::exchange
