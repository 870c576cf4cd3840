// P1 on one worker: which requests are held, which go on when, and by which snapshot.
#include "stage.hpp"

namespace sluice::exchange {
namespace {

std::chrono::microseconds steady_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(net::Clock::now().time_since_epoch());
}

class Paused : public OneBackend {
 protected:
  void pause(std::chrono::milliseconds max_hold = 30s, std::uint32_t max_queue = 0) {
    hold.emplace();
    hold->max_hold = max_hold;
    hold->max_queue = max_queue;
    publish();
    rounds();
  }
  void resume(std::uint32_t rate = 0) {
    live->hold.release_rate = rate;
    live->hold.released = 0;
    live->hold.release_began_micros = steady_now().count();
    hold.reset();
    publish();
    rounds();
  }
  // `count` clients, each held before the next one asks.
  std::vector<ManualClient*> held(std::size_t count) {
    std::vector<ManualClient*> out;
    const auto before = live->hold.held.load();
    for (std::size_t i = 0; i < count; ++i) {
      out.push_back(&get("/" + std::to_string(i)));
      EXPECT_EQ(live->hold.held.load(), before + i + 1);
    }
    return out;
  }
};

TEST_F(Paused, P1_what_is_held_goes_where_the_snapshot_of_that_moment_says) {
  pause();
  held(1);
  EXPECT_EQ(asked(), 0u);
  EXPECT_EQ(live->in_flight.load(), 0u) << "held is not in flight";
  EXPECT_EQ(counters(0).requests.get(), 0u) << "no pool was chosen yet";
  pools[0].share = 0;
  add_pool("green", config::kWhole, 1);
  resume();
  ASSERT_EQ(asked(), 1u);
  EXPECT_EQ(side(0).to, "green0");
  EXPECT_EQ(counters(1).requests.get(), 1u);
}

TEST_F(Paused, P1_at_once_in_order_without_a_rate) {
  pause();
  held(3);
  resume();
  ASSERT_EQ(asked(), 3u);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_THAT(side(i).got(), StartsWith("GET /" + std::to_string(i) + " "));
}

TEST_F(Paused, P1_a_second_pause_keeps_those_that_have_not_gone) {
  pause();
  held(3);
  resume(1);  // the first goes at once, the second after a second
  EXPECT_EQ(asked(), 1u);
  pause();
  skip(100ms);
  EXPECT_EQ(asked(), 1u);
  EXPECT_EQ(live->hold.held.load(), 2u);
  resume();
  EXPECT_EQ(asked(), 3u);
}

TEST_F(Paused, P1_another_worker_that_holds_an_earlier_one_goes_first) {
  auto& others = live->per_worker[1].first_held;
  live->hold.next_ticket = 1;
  others = 0;  // held by worker 1
  pause();
  held(1);
  resume(1);
  skip(100ms);
  EXPECT_EQ(asked(), 0u);
  others = UINT64_MAX;
  skip(100ms);
  EXPECT_EQ(asked(), 1u);
}

TEST_F(Paused, P1_max_hold_ends_in_503_paused_and_the_connection_goes_on) {
  pause(5s);
  ManualClient& client = *held(1).front();
  skip(6s);
  EXPECT_EQ(client.status(), 503);
  EXPECT_EQ(client.error, "paused");
  EXPECT_TRUE(client.over && client.complete && !client.was_reset);
  EXPECT_EQ(live->hold.held.load(), 0u);
  resume();
  const ManualClient& next = get("/next");
  answer(0);
  EXPECT_TRUE(served(next));
}

TEST_F(Paused, P1_the_bound_is_kept) {
  pause(30s, 2);
  held(2);
  EXPECT_EQ(get("/3").error, "paused");
  EXPECT_EQ(live->hold.held.load(), 2u);
}

TEST_F(Paused, P1_a_client_that_resets_leaves_the_queue) {
  pause();
  const auto both = held(2);
  both[0]->leave();
  rounds();
  EXPECT_EQ(live->hold.held.load(), 1u);
  resume();
  ASSERT_EQ(asked(), 1u);
  EXPECT_THAT(side(0).got(), StartsWith("GET /1 "));
}

TEST_F(Paused, P1_a_stop_answers_those_that_are_held) {
  pause();
  const ManualClient& client = *held(1).front();
  hold->kind = route::Hold::Kind::stopped;
  hold->message = "Back at 14:00";
  publish();
  rounds();
  EXPECT_EQ(client.got(), "Back at 14:00");
  EXPECT_EQ(client.error, "stopped");
}

TEST_F(Paused, P1_the_time_held_is_not_the_pools_latency) {
  pause();
  const ManualClient& client = *held(1).front();
  const auto began = net::Clock::now();
  while (net::Clock::now() < began + 60ms) round();
  resume();
  answer(0);
  EXPECT_TRUE(served(client));
  observe::HistogramCounts counts;
  counters(0).duration.add_to(counts);
  EXPECT_EQ(counts.count, 1u);
  EXPECT_LT(counts.sum_micros, 60'000u);
}

TEST_F(Paused, P1_a_shutdown_frees_the_held) {
  pause();
  const ManualClient& client = *held(1).front();
  worker.shutting_down = true;
  context.pauses.give_up();
  rounds();
  EXPECT_EQ(client.error, "paused");
  EXPECT_TRUE(client.over);
}

}  // namespace
}  // namespace sluice::exchange
