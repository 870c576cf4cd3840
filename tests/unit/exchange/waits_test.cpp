// What a request waits for before it is sent, on fakes: a pause, a slot of its service, a slot on a backend.
#include "exchange_fixture.hpp"

namespace sluice::exchange {
namespace {

TEST(Waits, P1_a_paused_request_goes_on_when_the_pause_ends) {
  Bench bench({}, Fault::none, 0);
  bench.hold.emplace();
  bench.begin();
  bench.rounds(20);
  EXPECT_EQ(bench.live->hold.held.load(), 1u);
  EXPECT_EQ(bench.connector.seen.requests, 0);
  bench.hold.reset();
  bench.publish();
  EXPECT_TRUE(bench.finish());
  EXPECT_EQ(bench.stream->status(), 200);
  EXPECT_EQ(bench.left(), "");
}

TEST(Waits, P1_a_client_that_leaves_during_a_pause_is_forgotten) {
  Bench bench({}, Fault::none, 0);
  bench.hold.emplace();
  bench.begin();
  bench.rounds(5);
  bench.stream->lose();
  EXPECT_TRUE(bench.finish());
  EXPECT_EQ(bench.stream->heads, 0);
  EXPECT_EQ(bench.left(), "");
}

TEST(Waits, P1_a_pause_that_lasts_too_long_is_answered) {
  Bench bench({}, Fault::none, 0);
  bench.hold.emplace();
  bench.hold->max_hold = 400ms;
  bench.begin();
  EXPECT_TRUE(bench.finish());
  EXPECT_EQ(bench.stream->status(), 503);
  EXPECT_TRUE(bench.stream->own);
  EXPECT_EQ(bench.left(), "");
}

TEST(Waits, X7_a_request_without_a_slot_waits_for_one_and_is_refused_in_the_end) {
  Bench bench({}, Fault::none, 0);
  bench.spec.limits.in_flight = 1;
  bench.spec.limits.queue_time = 400ms;
  ASSERT_TRUE(Concurrency::try_enter(*bench.live, 1));
  bench.begin();
  bench.rounds(3);
  EXPECT_EQ(bench.live->waiting.load(), 1u);
  EXPECT_TRUE(bench.finish());
  EXPECT_EQ(bench.stream->status(), 503);
  Concurrency::leave(*bench.live);
  EXPECT_EQ(bench.left(), "");
}

TEST(Waits, X7_a_slot_that_comes_free_is_the_waiting_request_s) {
  Bench bench({}, Fault::none, 0);
  bench.spec.limits.in_flight = 1;
  ASSERT_TRUE(Concurrency::try_enter(*bench.live, 1));
  bench.begin();
  bench.rounds(3);
  EXPECT_TRUE(Concurrency::leave(*bench.live));
  EXPECT_TRUE(bench.context.concurrency.wake_next(QueueKey(*bench.live)));
  EXPECT_TRUE(bench.finish());
  EXPECT_EQ(bench.stream->status(), 200);
  EXPECT_EQ(bench.left(), "");
}

TEST(Waits, a_full_backend_is_waited_for) {
  Bench bench({}, Fault::none, 0);
  for (auto& pool : bench.pools)
    for (auto& backend : pool.backends) {
      backend.max_in_flight = 1;
      backend.live->per_worker[0].in_flight.add();
    }
  bench.begin();
  bench.rounds(3);
  EXPECT_EQ(bench.live->waiting_for_backend.load(), 1u);
  for (auto& pool : bench.pools)
    for (auto& backend : pool.backends) backend.live->per_worker[0].in_flight.sub();
  for (auto& pool : bench.pools) bench.context.concurrency.wake_next(QueueKey(*pool.live));
  EXPECT_TRUE(bench.finish());
  EXPECT_EQ(bench.stream->status(), 200);
  EXPECT_EQ(bench.left(), "");
}

}  // namespace
}  // namespace sluice::exchange
