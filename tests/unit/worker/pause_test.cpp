// P1 on one worker: who is held, who goes on when, and by which snapshot.
#include "world.hpp"

namespace sluice::worker {
namespace {

class Pause : public OneOrigin {
 protected:
  void pause(std::chrono::milliseconds max_hold = 30s, std::uint32_t max_queue = 0) {
    world.hold.emplace();
    world.hold->max_hold = max_hold;
    world.hold->max_queue = max_queue;
    world.publish();
  }
  void resume(std::uint32_t rate = 0) {
    world.live->hold.release_rate = rate;
    world.live->hold.released = 0;
    world.live->hold.release_began_micros =
        std::chrono::duration_cast<std::chrono::microseconds>(net::Clock::now().time_since_epoch()).count();
    world.hold.reset();
    world.publish();
  }
  // `count` clients, each held before the next one asks.
  std::vector<Peer*> held(std::size_t count) {
    std::vector<Peer*> out;
    const auto before = world.live->hold.held.load();
    for (std::size_t i = 0; i < count; ++i) {
      out.push_back(&world.client());
      out.back()->send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n");
      EXPECT_TRUE(world.until([&] { return world.live->hold.held.load() == before + i + 1; }));
    }
    return out;
  }
  std::size_t arrived() const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < origin->size(); ++i) count += !(*origin)[i].got.empty();
    return count;
  }
};

TEST_F(Pause, P1_what_is_held_goes_where_the_snapshot_of_that_moment_says) {
  Origin& other = world.origin();
  pause();
  held(1);
  world.settle();
  EXPECT_EQ(origin->size(), 0u);
  EXPECT_EQ(world.live->in_flight.load(), 0u) << "held is not in flight";
  EXPECT_EQ(world.counters(0).requests.get(), 0u) << "no pool was chosen yet";
  world.pools[0].share = 0;
  world.pool("green", config::kWhole, {other.port()});
  resume();
  EXPECT_TRUE(world.until([&] { return other.size() == 1 && !other[0].got.empty(); }));
  EXPECT_EQ(origin->size(), 0u);
  EXPECT_EQ(world.counters(1).requests.get(), 1u);
}

TEST_F(Pause, P1_at_once_in_order_without_a_rate) {
  pause();
  held(3);
  resume();
  EXPECT_TRUE(world.until([&] { return arrived() == 3; }));
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_THAT((*origin)[i].got, StartsWith("GET /" + std::to_string(i) + " "));
}

TEST_F(Pause, P1_a_second_pause_keeps_those_that_have_not_gone) {
  pause();
  held(3);
  resume(1);  // the first goes at once, the second after a second
  EXPECT_TRUE(world.until([&] { return arrived() == 1; }));
  pause();
  world.settle();
  EXPECT_EQ(arrived(), 1u);
  EXPECT_EQ(world.live->hold.held.load(), 2u);
  resume();
  EXPECT_TRUE(world.until([&] { return arrived() == 3; }));
}

TEST_F(Pause, P1_another_worker_that_holds_an_earlier_one_goes_first) {
  world.live->per_worker = std::vector<observe::ServiceCounters>(2);
  auto& others = world.live->per_worker[1].first_held;
  world.live->hold.next_ticket = 1;
  others = 0;  // held by worker 1
  pause();
  held(1);
  resume(1);
  world.settle();
  EXPECT_EQ(arrived(), 0u);
  others = UINT64_MAX;
  EXPECT_TRUE(world.until([&] { return arrived() == 1; }));
}

TEST_F(Pause, P1_max_hold_ends_in_503_paused_and_the_connection_goes_on) {
  pause(5s);
  auto& client = *held(1).front();
  world.skip(6s);
  answered(client, "X-Sluice-Error: paused\r\n");
  EXPECT_THAT(client.got, StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(world.live->hold.held.load(), 0u);
  resume();
  client.send(kGet);
  asked(0, "GET /a ").send(kOk);
  answered(client, "\r\n\r\nok");
}

TEST_F(Pause, P1_the_bound_is_kept) {
  pause(30s, 2);
  held(2);
  auto& third = world.client();
  third.send(kGet);
  answered(third, "X-Sluice-Error: paused\r\n");
  EXPECT_EQ(world.live->hold.held.load(), 2u);
}

TEST_F(Pause, P1_a_client_that_resets_leaves_the_queue) {
  pause();
  const auto clients = held(2);
  clients[0]->abort();
  EXPECT_TRUE(world.until([&] { return world.live->hold.held.load() == 1; }));
  resume();
  EXPECT_TRUE(world.until([&] { return arrived() == 1; }));
  EXPECT_THAT((*origin)[0].got, StartsWith("GET /1 "));
}

TEST_F(Pause, P1_a_stop_answers_those_that_are_held) {
  pause();
  auto& client = *held(1).front();
  world.hold->kind = route::Hold::Kind::stopped;
  world.hold->message = "Back at 14:00";
  world.publish();
  answered(client, "\r\n\r\nBack at 14:00");
  EXPECT_THAT(client.got, HasSubstr("X-Sluice-Error: stopped\r\n"));
}

TEST_F(Pause, P1_the_time_held_is_not_the_pools_latency) {
  pause();
  auto& client = *held(1).front();
  const auto began = net::Clock::now();
  while (net::Clock::now() < began + 60ms) world.step();
  resume();
  asked(0, "GET /0 ").send(kOk);
  answered(client, "\r\n\r\nok");
  observe::HistogramCounts counts;
  EXPECT_TRUE(world.until([&] {
    counts = {};
    world.counters(0).duration.add_to(counts);
    return counts.count == 1;
  }));
  EXPECT_LT(counts.sum_micros, 60'000u);
}

TEST_F(Pause, P1_a_shutdown_frees_the_held) {
  pause();
  auto& client = *held(1).front();
  world.lent.shutting_down = true;
  world.context.pauses.give_up();
  answered(client, "X-Sluice-Error: paused\r\n");
  EXPECT_THAT(client.got, HasSubstr("Connection: close\r\n"));
}

}  // namespace
}  // namespace sluice::worker
