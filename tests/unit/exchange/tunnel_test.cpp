// After a 101: bytes both ways, and how it ends (X6, D1, D3, X5).
#include "stage.hpp"

namespace sluice::exchange {
namespace {

class Tunnels : public OneBackend {
 protected:
  void open() {
    client = &ask({"GET", "/ws", {}, {}, 0, false, true});
    backend = &side(0);
    backend->got().clear();
    backend->open_tunnel();
    rounds();
    EXPECT_EQ(client->status(), 101);
  }
  std::uint64_t open_tunnels() { return TestWorker::backend(0).tunnels.get(); }
  template <class Visit>
  void each_activity(Visit visit) {
    context.backends.find(0)->each_activity(visit);
  }
  bool ended() const { return client->over && backend->ended; }

  ManualClient* client = nullptr;
  BackendSide* backend = nullptr;
};

TEST_F(Tunnels, X6_bytes_go_both_ways_once_the_101_has_come) {
  client = &ask({"GET", "/ws", {}, {}, 0, false, true});
  client->say("early");
  rounds();
  backend = &side(0);
  EXPECT_THAT(backend->got(), EndsWith("\r\n\r\n")) << "bytes behind an upgrade wait for the 101";
  backend->open_tunnel();
  backend->say("hello");
  rounds();
  EXPECT_EQ(client->got(), "hello");
  EXPECT_TRUE(backend->has("\r\n\r\nearly"));
  client->say("x");
  rounds();
  EXPECT_TRUE(backend->has("earlyx"));
  EXPECT_EQ(open_tunnels(), 1u);
}

TEST_F(Tunnels, X6_a_refused_upgrade_is_an_answer_like_others) {
  client = &ask({"GET", "/ws", {}, {}, 0, false, true});
  answer(0, 426, "no");
  EXPECT_EQ(client->status(), 426);
  EXPECT_EQ(client->got(), "no");
  EXPECT_TRUE(client->over && client->complete && side(0).kept);
  EXPECT_EQ(open_tunnels(), 0u);
}

TEST_F(Tunnels, the_clients_end_reaches_the_backend_whose_last_words_still_arrive) {
  open();
  client->finish();
  rounds();
  EXPECT_TRUE(backend->told_end);
  backend->say("bye");
  rounds();
  EXPECT_EQ(client->got(), "bye");
  backend->finish();
  rounds();
  EXPECT_TRUE(client->told_end && ended());
}

TEST_F(Tunnels, the_backends_end_reaches_the_client_and_a_silent_client_is_not_waited_for_long) {
  open();
  backend->say("bye");
  backend->finish();
  rounds();
  EXPECT_TRUE(client->told_end);
  EXPECT_EQ(client->got(), "bye");
  EXPECT_EQ(open_tunnels(), 1u) << "the client may still speak";
  skip(11s);
  EXPECT_TRUE(ended());
  EXPECT_EQ(TestWorker::backend(0).in_flight.get(), 0u);
}

TEST_F(Tunnels, D1_a_tunnel_ends_within_the_time_it_is_given) {
  open();
  each_activity([](upstream::Activity& activity) {
    EXPECT_TRUE(activity.is_tunnel());
    activity.end_within(5s);
  });
  skip(4s);
  EXPECT_FALSE(client->over);
  skip(2s + Tunnel::kGoodbye);
  EXPECT_TRUE(ended());
  EXPECT_EQ(open_tunnels(), 0u);
}

TEST_F(Tunnels, D1_both_sides_are_told_behind_a_whole_frame) {
  open();
  backend->say(
      "\x82\x03"
      "ab");
  rounds();
  each_activity([](upstream::Activity& activity) {
    activity.end_within(0ms);
    EXPECT_TRUE(activity.is_leaving());
  });
  skip(100ms);
  EXPECT_EQ(client->got(),
            "\x82\x03"
            "ab")
      << "its frame is not over";
  ASSERT_EQ(backend->got().size(), 8u) << "a client's Close frame";
  EXPECT_THAT(backend->got(), StartsWith("\x88\x82"));
  backend->say("c\x82\x01z");
  rounds();
  EXPECT_EQ(client->got(),
            "\x82\x03"
            "abc" +
                std::string(kServerGoesAway))
      << "and nothing behind it";
  EXPECT_FALSE(client->told_end);
  const auto answer = client_goes_away(7);
  client->say(std::string(answer.data(), answer.size()));
  rounds();
  EXPECT_TRUE(client->told_end) << "the server's side ends first (RFC 6455 7.1.1)";
  EXPECT_EQ(backend->got().size(), 8u);
  client->finish();
  backend->finish();
  rounds();
  EXPECT_TRUE(ended());
  EXPECT_EQ(open_tunnels(), 0u);
}

TEST_F(Tunnels, D1_who_does_not_come_to_a_frames_end_is_cut) {
  open();
  backend->say(
      "\x82\x03"
      "ab");
  client->say(
      "\x82\x83"
      "abcd"
      "x");
  rounds();
  each_activity([](upstream::Activity& activity) { activity.end_within(0ms); });
  skip(Tunnel::kGoodbye - 100ms);
  EXPECT_FALSE(client->over);
  skip(200ms);
  EXPECT_TRUE(ended());
  EXPECT_EQ(client->got(),
            "\x82\x03"
            "ab");
}

TEST_F(Tunnels, D1_what_is_no_websocket_inside_is_cut) {
  open();
  backend->say("SSH-2.0");
  rounds();
  each_activity([](upstream::Activity& activity) { activity.end_within(0ms); });
  skip(100ms);
  EXPECT_TRUE(ended());
  EXPECT_EQ(client->got(), "SSH-2.0");
}

TEST_F(Tunnels, D1_a_side_that_has_said_goodbye_is_not_told_again) {
  open();
  const auto goodbye = client_goes_away(7);
  client->say(std::string(goodbye.data(), goodbye.size()));
  rounds();
  each_activity([](upstream::Activity& activity) { activity.end_within(0ms); });
  skip(100ms);
  EXPECT_EQ(backend->got(), std::string(goodbye.data(), goodbye.size()));
  EXPECT_EQ(client->got(), kServerGoesAway);
}

TEST_F(Tunnels, D3_a_tunnel_can_be_cut_while_neither_side_reads) {
  open();
  client->stop_reading();
  backend->stop_reading();
  client->say("c");
  backend->say("b");
  rounds();
  EXPECT_FALSE(client->over);
  abort_activities();
  rounds();
  EXPECT_TRUE(ended());
  EXPECT_EQ(TestWorker::backend(0).in_flight.get(), 0u);
}

TEST_F(Tunnels, D3_a_tunnel_can_be_cut_at_the_moment_when_both_sides_speak) {
  open();
  client->say("c");
  backend->say("b");
  abort_activities();
  rounds();
  EXPECT_TRUE(ended());
}

TEST_F(Tunnels, X5_a_tunnel_without_a_byte_ends_and_one_that_moves_one_way_does_not) {
  spec.timeouts.tunnel = 10s;
  publish();
  open();
  for (int i = 0; i < 8; ++i) {
    backend->say("x");
    skip(3s);
  }
  EXPECT_FALSE(client->over);
  EXPECT_EQ(client->got(), "xxxxxxxx");
  skip(11s);
  EXPECT_TRUE(ended());
}

TEST_F(Tunnels, X5_by_default_a_tunnel_without_a_byte_lasts_1_h) {
  open();
  takes(1h, [this] { return ended(); });
}

TEST_F(Tunnels, a_client_that_is_reset_ends_the_tunnel) {
  open();
  client->leave();
  rounds();
  EXPECT_TRUE(ended());
}

}  // namespace
}  // namespace sluice::exchange
