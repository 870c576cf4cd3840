// X5: every wait ends after its default (README's table), and not half a second before. Time is the test's.
// (Connects and tunnels are measured by the clock: tests/integration.)
#include "world.hpp"

namespace sluice::session {
namespace {

class DefaultWaits : public OneOrigin {
 protected:
  void SetUp() override {
    const config::ListenerSpec listener;
    world.info->header_timeout = listener.header_timeout;
    world.info->body_timeout = listener.body_timeout;
    world.info->idle_timeout = listener.idle_timeout;
    world.info->min_body_rate = listener.min_body_rate;
    OneOrigin::SetUp();
  }
  // `happened` does in the second around `limit`, counted from here.
  template <class Happened>
  void takes(std::chrono::milliseconds limit, Happened happened) {
    // By small steps: an idle client's buffers are given back on the way, and that begins its limit anew.
    for (auto passed = 0ms; passed < limit - 500ms; passed += 100ms) {
      world.settle();
      world.skip(100ms);
    }
    world.settle();
    EXPECT_FALSE(happened()) << "too early";
    world.skip(1s);
    EXPECT_TRUE(world.until(happened)) << "not in time";
  }
  static auto got(const Peer& client, std::string_view text) {
    return [&client, text] { return client.got.find(text) != std::string::npos; };
  }
};

TEST_F(DefaultWaits, X5_a_head_10_s) {
  Peer& client = world.client();
  client.send("GET / HTTP/1.1\r\nHo");
  takes(10s, got(client, "HTTP/1.1 408"));
}

TEST_F(DefaultWaits, X5_between_two_pieces_of_a_body_30_s) {
  Peer& client = world.client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
  asked(0, "abc");
  takes(30s, got(client, "HTTP/1.1 408"));
}

TEST_F(DefaultWaits, X5_a_client_that_does_not_read_30_s) {
  Peer& client = world.client();
  client.reading = false;
  client.send(kGet);
  asked(0, "GET").send("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n" + std::string(64 << 20, 'x'));
  world.stall((*origin)[0]);
  takes(30s, [this] { return world.idle(); });
}

TEST_F(DefaultWaits, X5_a_client_between_two_requests_60_s) {
  Peer& client = world.client();
  client.send(kGet);
  asked(0, "GET").send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
  answered(client, "\r\n\r\nok");
  takes(60s, [&client] { return client.eof; });
}

TEST_F(DefaultWaits, X5_an_answer_60_s) {
  Peer& client = world.client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  asked(0, "POST");
  takes(60s, got(client, "HTTP/1.1 504"));
}

TEST_F(DefaultWaits, X5_between_two_pieces_of_an_answer_60_s) {
  Peer& client = world.client();
  client.send(kGet);
  Peer& backend = asked(0, "GET");
  backend.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  answered(client, "abc");
  takes(60s, [&client] { return client.ended(); });
}

TEST_F(DefaultWaits, X5_an_idle_connection_to_a_backend_60_s) {
  Peer& client = world.client();
  client.send("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  asked(0, "GET").send(kOk);
  answered(client, "\r\n\r\nok");
  takes(60s, [this] { return (*origin)[0].eof; });
}

TEST_F(DefaultWaits, X7_for_a_place_of_the_service_5_s) {
  world.spec.limits.in_flight = 1;
  world.publish();
  world.client().send(kGet);
  asked(0, "GET");
  Peer& second = world.client();
  second.send(kGet);
  EXPECT_TRUE(world.until([this] { return world.live->waiting.load() == 1; }));
  takes(5s, got(second, "HTTP/1.1 503"));
}

TEST_F(DefaultWaits, X7_for_a_place_on_a_backend_5_s) {
  world.pools[0].backends[0].max_in_flight = 1;
  world.publish();
  world.client().send(kGet);
  asked(0, "GET");
  Peer& second = world.client();
  second.send(kGet);
  EXPECT_TRUE(world.until([this] { return world.live->waiting_for_backend.load() == 1; }));
  takes(5s, got(second, "X-Sluice-Error: overload"));
}

}  // namespace
}  // namespace sluice::session
