// After a 101: bytes both ways, and how it ends (X6, D1).
#include "world.hpp"

namespace sluice::worker {
namespace {

constexpr std::string_view kUpgrade =
    "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n";
constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

class Tunnel : public OneOrigin {
 protected:
  void open() {
    client = &world.client();
    client->send(kUpgrade);
    backend = &asked(0, "Upgrade: websocket");
    backend->send(kSwitch);
    answered(*client, "101 Switching Protocols");
    client->got.clear();
    backend->got.clear();
  }
  Peer* client = nullptr;
  Peer* backend = nullptr;
};

TEST_F(Tunnel, X6_bytes_behind_an_upgrade_wait_for_the_101) {
  client = &world.client();
  client->send(std::string(kUpgrade) + "early");
  backend = &asked(0, "Upgrade: websocket");
  client->send(" and more");
  world.settle();
  EXPECT_THAT(backend->got, EndsWith("\r\n\r\n"));
  backend->send(std::string(kSwitch) + "hello");
  answered(*client, "\r\n\r\nhello");
  asked(0, "\r\n\r\nearly and more");
  client->send("x");
  asked(0, "morex");
  EXPECT_EQ(world.backend(0).tunnels.get(), 1u);
}

TEST_F(Tunnel, X6_a_refused_upgrade_is_an_answer_like_others) {
  client = &world.client();
  client->send(kUpgrade);
  asked(0, "Upgrade").send("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno");
  answered(*client, "\r\n\r\nno");
  client->got.clear();
  client->send(kGet);
  asked(0, "GET /a").send(kOk);
  answered(*client, "\r\n\r\nok");
}

TEST_F(Tunnel, X3_a_101_that_nobody_asked_for_is_502) {
  client = &world.client();
  client->send(kGet);
  asked(0, "GET").send(kSwitch);
  answered(*client, "HTTP/1.1 502");
}

TEST_F(Tunnel, The_clients_end_reaches_the_backend_whose_last_words_still_arrive) {
  open();
  client->finish();
  EXPECT_TRUE(world.until([&] { return backend->eof; }));
  backend->send("bye");
  answered(*client, "bye");
  backend->close();
  EXPECT_TRUE(world.until([&] { return client->eof && world.idle(); }));
}

TEST_F(Tunnel, The_backends_end_reaches_the_client_and_a_silent_client_is_not_waited_for_long) {
  open();
  backend->send("bye");
  backend->finish();
  EXPECT_TRUE(world.until([&] { return client->eof; }));
  EXPECT_EQ(client->got, "bye");
  world.settle();
  EXPECT_EQ(world.backend(0).tunnels.get(), 1u) << "the client may still speak";
  world.skip(11s);
  EXPECT_TRUE(world.until([&] { return world.backend(0).in_flight.get() == 0; }));
}

TEST_F(Tunnel, D1_a_tunnel_ends_within_the_time_it_is_given) {
  open();
  world.context.backends.find(0)->each_activity([](upstream::Activity& activity) {
    EXPECT_TRUE(activity.is_tunnel());
    activity.end_within(5s);
  });
  world.settle();
  EXPECT_FALSE(client->ended());
  world.skip(6s);
  EXPECT_TRUE(world.until([&] { return client->ended() && backend->ended(); }));
  EXPECT_EQ(world.backend(0).tunnels.get(), 0u);
}

TEST_F(Tunnel, D3_a_tunnel_can_be_cut_while_neither_side_reads) {
  open();
  client->reading = backend->reading = false;
  client->send(std::string(32 << 20, 'c'));
  backend->send(std::string(32 << 20, 'b'));
  world.stall(*client);
  world.stall(*backend);
  world.context.backends.find(0)->each_activity([](upstream::Activity& activity) { activity.cut(); });
  EXPECT_TRUE(world.until([&] { return world.backend(0).in_flight.get() == 0; }));
}

TEST_F(Tunnel, X5_a_tunnel_without_a_byte_ends_and_one_that_moves_one_way_does_not) {
  world.spec.timeouts.tunnel = 300ms;
  world.publish();
  open();
  const auto busy_until = net::Clock::now() + 800ms;
  ASSERT_TRUE(world.until([&] {
    backend->send("x");
    return net::Clock::now() > busy_until;
  }));
  EXPECT_FALSE(client->ended());
  EXPECT_TRUE(world.until([&] { return client->ended() && backend->ended(); }));
}

TEST_F(Tunnel, A_client_that_is_reset_ends_the_tunnel) {
  open();
  client->abort();
  EXPECT_TRUE(world.until([&] { return backend->ended() && world.idle(); }));
}

}  // namespace
}  // namespace sluice::worker
