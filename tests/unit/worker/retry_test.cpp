// What happens when a backend fails: retries, rescue, own answers (R1, R2, S9, X3).
#include "world.hpp"

namespace sluice::worker {
namespace {

constexpr std::string_view kPost = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";

using Retry = OneOrigin;

// Serves one request on a connection that stays in the pool afterwards.
void warm(World& world, Peer& client, Origin& origin) {
  client.send(kGet);
  ASSERT_TRUE(world.until([&] { return origin.size() == 1 && !origin[0].got.empty(); }));
  origin[0].send(kOk);
  ASSERT_TRUE(world.until([&] { return client.got.find("\r\n\r\nok") != std::string::npos; }));
  client.got.clear();
  origin[0].got.clear();
}

TEST_F(Retry, R1_a_get_on_a_pooled_connection_that_died_is_asked_again) {
  Peer& client = world.client();
  warm(world, client, *origin);
  client.send(kGet);
  asked(0, "GET /a").close();
  asked(1, "GET /a").send(kOk);
  answered(client, "HTTP/1.1 200 OK");
  EXPECT_EQ(world.counters(0).retries.get(), 1u);
}

TEST_F(Retry, R1_a_post_on_a_pooled_connection_that_died_is_502_and_was_sent_once) {
  Peer& client = world.client();
  warm(world, client, *origin);
  client.send(kPost);
  asked(0, "\r\n\r\nabc").close();
  answered(client, "HTTP/1.1 502 Bad Gateway");
  EXPECT_THAT(client.got, HasSubstr("X-Sluice-Error: reset"));
  world.settle();
  EXPECT_EQ(origin->size(), 1u);
}

TEST_F(Retry, A_connection_whose_end_came_with_the_answer_is_not_used_for_the_next_post) {
  Peer& client = world.client();
  client.send(kGet);
  Peer& first = asked(0, "GET /a");
  first.send(kOk);
  first.finish();
  answered(client, "\r\n\r\nok");
  client.send(kPost);
  asked(1, "\r\n\r\nabc").send(kOk);
  EXPECT_TRUE(world.until([&] { return client.got.find("200 OK", 20) != std::string::npos; })) << client.got;
  EXPECT_THAT(client.got, Not(HasSubstr("502")));
}

TEST_F(Retry, R1_a_fresh_connection_that_dies_without_another_backend_is_502_after_one_try) {
  Peer& client = world.client();
  client.send(kGet);
  asked(0, "GET /a").close();
  answered(client, "HTTP/1.1 502");
  EXPECT_EQ(origin->size(), 1u);
  EXPECT_EQ(world.counters(0).errors.get(), 1u);
  EXPECT_EQ(world.counters(0).by_class[5].get(), 1u);
  EXPECT_EQ(world.counters(0).upstream_errors[static_cast<std::size_t>(observe::UpstreamError::reset)].get(),
            1u);
}

class Pools : public ::testing::Test {
 protected:
  World world;
  Peer& asked(Origin& origin, std::size_t n = 0) {
    EXPECT_TRUE(world.until(
        [&] { return origin.size() > n && origin[n].got.find("\r\n\r\n") != std::string::npos; }));
    return origin[n];
  }
  void answered(Peer& client, std::string_view bytes) {
    EXPECT_TRUE(world.until([&] { return client.got.find(bytes) != std::string::npos; }))
        << "the client got " << client.got << " and not " << bytes;
  }
  static constexpr std::string_view k503 =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy";
};

TEST_F(Pools, R2_a_failed_get_goes_to_another_backend) {
  Origin& one = world.origin();
  Origin& two = world.origin();
  world.pool("stable", config::kWhole, {one.port(), two.port()});
  world.publish();
  Peer& client = world.client();
  client.send(kGet);
  ASSERT_TRUE(world.until([&] { return one.size() + two.size() == 1; }));
  Origin& first = one.size() ? one : two;
  Origin& second = one.size() ? two : one;
  asked(first).close();
  asked(second).send(kOk);
  answered(client, "200 OK");
}

TEST_F(Pools, R1_what_was_never_sent_is_sent_elsewhere_whatever_the_method) {
  Origin dead;
  Origin& alive = world.origin();
  world.pool("stable", config::kWhole, {dead.port(), alive.port()});
  dead.stop();
  world.publish();
  for (int i = 0; i < 2; ++i) {  // one of them asks the dead one first
    Peer& client = world.client();
    client.send(kPost);
    std::size_t n = 0;
    const auto got_it = [&] {
      for (n = 0; n < alive.size(); ++n)
        if (alive[n].got.find("\r\n\r\nabc") != std::string::npos) return true;
      return false;
    };
    ASSERT_TRUE(world.until(got_it));
    alive[n].got.clear();
    alive[n].send(kOk);
    answered(client, "200 OK");
  }
}

TEST_F(Pools,
       R2_the_user_of_a_failing_canary_sees_the_stable_pools_answer_and_the_canary_counts_the_failure) {
  Origin& stable = world.origin();
  Origin& canary = world.origin();
  world.pool("stable", 0, {stable.port()});
  world.pool("canary", config::kWhole, {canary.port()});
  world.publish();
  Peer& client = world.client();
  client.send(kGet);
  asked(canary).send(k503);
  asked(stable).send(kOk);
  answered(client, "200 OK");
  EXPECT_THAT(client.got, Not(HasSubstr("busy")));
  EXPECT_EQ(world.counters(1).requests.get(), 1u);
  EXPECT_EQ(world.counters(1).errors.get(), 1u);
  EXPECT_EQ(world.counters(1).rescued.get(), 1u);
  EXPECT_EQ(world.counters(1).by_class[5].get(), 1u);
  EXPECT_EQ(world.counters(0).requests.get(), 0u);
}

TEST_F(Pools, R2_rescue_none_leaves_the_canarys_answer_to_the_user) {
  Origin& stable = world.origin();
  Origin& canary = world.origin();
  world.spec.retries.rescue_stable = false;
  world.pool("stable", 0, {stable.port()});
  world.pool("canary", config::kWhole, {canary.port()});
  world.publish();
  Peer& client = world.client();
  client.send(kGet);
  asked(canary).send(k503);
  answered(client, "busy");
  EXPECT_EQ(stable.size(), 0u);
}

TEST_F(Pools, S9_a_pool_without_an_eligible_backend_is_rescued_and_counts_the_failure) {
  Origin& stable = world.origin();
  Origin& canary = world.origin();
  world.pool("stable", 0, {stable.port()});
  world.pool("canary", config::kWhole, {canary.port()});
  world.pools[1].backends[0].admin = observe::Admin::maint;
  world.publish();
  Peer& client = world.client();
  client.send(kGet);
  asked(stable).send(kOk);
  answered(client, "200 OK");
  EXPECT_EQ(world.counters(1).no_backend.get(), 1u);
  EXPECT_EQ(world.counters(1).errors.get(), 1u);
  EXPECT_EQ(canary.size(), 0u);
}

TEST_F(Pools, S9_without_rescue_it_is_503_no_backend) {
  world.pool("stable", config::kWhole, {});
  world.publish();
  Peer& client = world.client();
  client.send(kGet);
  answered(client, "HTTP/1.1 503");
  EXPECT_THAT(client.got, HasSubstr("X-Sluice-Error: no_backend"));
  EXPECT_EQ(world.counters(0).errors.get(), 1u);
}

// Each of eight users is answered 503 by the canary. The budget is three retries at a time.
TEST_F(Pools, R1_retries_of_answers_stay_within_the_budget) {
  Origin& stable = world.origin();
  Origin& canary = world.origin();
  world.pool("stable", 0, {stable.port()});
  world.pool("canary", config::kWhole, {canary.port()});
  world.publish();
  std::vector<Peer*> users;
  for (int i = 0; i < 8; ++i) users.push_back(&world.client());
  for (Peer* user : users) user->send(kGet);
  ASSERT_TRUE(world.until([&] { return canary.size() == 8; }));
  for (std::size_t n = 0; n < 8; ++n) asked(canary, n).send(k503);
  const auto refused = [&] {
    return std::count_if(users.begin(), users.end(), [](Peer* user) { return !user->got.empty(); });
  };
  ASSERT_TRUE(world.until([&] { return stable.size() == 3 && refused() == 5; }));
  world.settle();
  EXPECT_EQ(stable.size(), 3u);
  for (std::size_t n = 0; n < 3; ++n) asked(stable, n).send(kOk);
  EXPECT_TRUE(world.until([&] { return refused() == 8; }));
  EXPECT_EQ(world.live->per_worker[0].retry_in_flight.get(), 0u);
}

TEST_F(Pools, X5_a_pool_of_many_dead_backends_is_not_asked_round_and_round) {
  std::vector<std::uint16_t> ports;
  for (int i = 0; i < 24; ++i) {
    Origin dead;
    ports.push_back(dead.port());
  }
  world.pool("stable", config::kWhole, ports);
  world.publish();
  Peer& client = world.client();
  client.send(kPost);
  answered(client, "HTTP/1.1 502");
  EXPECT_THAT(client.got, HasSubstr("X-Sluice-Error: connect"));
  EXPECT_LE(world.counters(0).retries.get(), 15u);
}

TEST_F(Pools, H3_every_fifth_error_in_a_row_makes_a_backend_suspect) {
  Origin dead;
  world.pool("stable", config::kWhole, {dead.port()});
  dead.stop();
  world.publish();
  for (int i = 0; i < 5; ++i) {
    Peer& client = world.client();
    client.send(kGet);
    answered(client, "502");
  }
  EXPECT_EQ(world.suspects, std::vector<std::uint32_t>{0});
}

TEST_F(Retry, X3_an_answer_that_is_no_http_is_502_and_the_clients_connection_serves_on) {
  Peer& client = world.client();
  client.send(kGet);
  asked(0, "GET").send("SSH-2.0-OpenSSH\r\n\r\n");
  answered(client, "HTTP/1.1 502");
  EXPECT_THAT(client.got, HasSubstr("X-Sluice-Error: protocol"));
  client.got.clear();
  client.send(kGet);
  asked(1, "GET").send(kOk);
  answered(client, "200 OK");
}

TEST_F(Retry, X3_a_flood_of_interim_answers_is_502) {
  Peer& client = world.client();
  client.send(kGet);
  Peer& backend = asked(0, "GET");
  for (int i = 0; i < 40; ++i) backend.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  answered(client, "HTTP/1.1 502");
}

TEST_F(Retry, R1_a_request_is_not_sent_again_once_an_interim_answer_went_on) {
  world.pools.clear();
  Origin& other = world.origin();
  world.pool("stable", config::kWhole, {origin->port(), other.port()});
  world.publish();
  Peer& client = world.client();
  client.send(kGet);
  ASSERT_TRUE(world.until([&] { return origin->size() + other.size() == 1; }));
  Origin& first = origin->size() ? *origin : other;
  Origin& second = origin->size() ? other : *origin;
  ASSERT_TRUE(world.until([&] { return first[0].got.find("\r\n\r\n") != std::string::npos; }));
  first[0].send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  answered(client, "103 Early Hints");
  first[0].close();
  answered(client, "HTTP/1.1 502");
  EXPECT_EQ(second.size(), 0u);
}

TEST_F(Retry, X3_an_answer_cut_short_is_not_taken_for_whole) {
  Peer& client = world.client();
  client.send(kGet);
  Peer& backend = asked(0, "GET");
  backend.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  answered(client, "half");
  backend.close();
  EXPECT_TRUE(world.until([&] { return client.ended(); }));
  EXPECT_THAT(client.got, EndsWith("\r\n\r\nhalf"));
  EXPECT_EQ(world.counters(0).errors.get(), 1u);
}

TEST_F(Retry, X3_a_chunked_answer_cut_short_gets_no_last_chunk) {
  Peer& client = world.client();
  client.send(kGet);
  Peer& backend = asked(0, "GET");
  backend.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
  answered(client, "half");
  backend.close();
  EXPECT_TRUE(world.until([&] { return client.ended(); }));
  EXPECT_THAT(client.got, EndsWith("4\r\nhalf\r\n"));
}

TEST_F(Retry, X5_a_backend_that_never_answers_is_504) {
  Peer& client = world.client();
  client.send(kGet);
  asked(0, "GET");
  world.skip(61s);
  answered(client, "HTTP/1.1 504");
  EXPECT_THAT(client.got, HasSubstr("X-Sluice-Error: timeout"));
  EXPECT_TRUE(world.until([&] { return (*origin)[0].ended(); }));
}

TEST_F(Retry, D3_a_request_cut_at_a_drains_deadline_is_504_and_leaves_the_backend) {
  Peer& client = world.client();
  client.send(kGet);
  asked(0, "GET");
  world.context.backends.find(0)->each_activity([](upstream::Activity& activity) { activity.cut(); });
  answered(client, "HTTP/1.1 504");
  EXPECT_TRUE(world.until([&] { return (*origin)[0].ended(); }));
  EXPECT_EQ(world.backend(0).in_flight.get(), 0u);
  EXPECT_EQ(world.counters(0).errors.get(), 0u) << "a drain is not the backend's failure";
}

TEST_F(Retry, D1_a_draining_backend_loses_its_idle_connections) {
  Peer& client = world.client();
  warm(world, client, *origin);
  EXPECT_EQ(world.backend(0).connections.get(), 1u);
  world.pools[0].backends[0].admin = observe::Admin::draining;
  world.publish();
  EXPECT_TRUE(world.until([&] { return (*origin)[0].eof; }));
  EXPECT_EQ(world.backend(0).connections.get(), 0u);
}

TEST_F(Retry, X5_an_idle_backend_connection_is_closed_after_its_time) {
  Peer& client = world.client();
  warm(world, client, *origin);
  world.skip(61s);
  EXPECT_TRUE(world.until([&] { return (*origin)[0].eof; }));
  EXPECT_EQ(world.backend(0).connections.get(), 0u);
}

}  // namespace
}  // namespace sluice::worker
