// Both wires and the exchange between them, over sockets: what HTTP/1 on one side does to HTTP/1 on the other
// (framing, interim answers, trailers, buffers that grow), and what only the kernel's buffers can show (a
// side that does not read, two time limits on one connection). That is why these tests are here. The
// exchange's policy is tested on fakes in tests/unit/exchange, a side's own wire in tests/unit/client and
// tests/unit/upstream.
#include "world.hpp"

namespace sluice::worker {
namespace {

using EndToEnd = OneOrigin;

constexpr std::string_view kUpgrade =
    "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n";
constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

std::size_t count(std::string_view text, std::string_view word) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string_view::npos; at += word.size()) ++found;
  return found;
}

TEST_F(EndToEnd, X6_answers_without_a_body_leave_both_connections_in_step) {
  Peer& client = world.client();
  client.send("HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n");
  asked(0, "HEAD /h").send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  answered(client, "Content-Length: 5\r\n\r\n");
  client.send("GET /n HTTP/1.1\r\nHost: x\r\n\r\n");
  asked(0, "GET /n").send("HTTP/1.1 204 No Content\r\n\r\n");
  answered(client, "204 No Content");
  client.send("GET /m HTTP/1.1\r\nHost: x\r\n\r\n");
  asked(0, "GET /m").send("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
  answered(client, "304 Not Modified");
  client.send("GET /z HTTP/1.1\r\nHost: x\r\n\r\n");
  asked(0, "GET /z").send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  answered(client, "Content-Length: 0\r\n\r\n");
  client.send(kGet);
  asked(0, "GET /a").send(kOk);
  answered(client, "\r\n\r\nok");
  EXPECT_EQ(origin->size(), 1u);
}

TEST_F(EndToEnd, X6_a_close_delimited_answer_is_chunked_for_the_client_who_stays) {
  Peer& client = world.client();
  client.send(kGet);
  Peer& backend = asked(0, "GET");
  backend.send("HTTP/1.1 200 OK\r\n\r\nall there is");
  answered(client, "c\r\nall there is\r\n");
  backend.close();
  answered(client, "\r\n0\r\n\r\n");
  client.got.clear();
  client.send(kGet);
  asked(1, "GET").send(kOk);
  answered(client, "\r\n\r\nok");
}

TEST_F(EndToEnd, X6_an_http_1_0_client_gets_the_bare_body_and_the_end) {
  Peer& client = world.client();
  client.send("GET /a HTTP/1.0\r\n\r\n");
  asked(0, "GET /a HTTP/1.1\r\nHost: 127.0.0.1:")
      .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
  EXPECT_TRUE(world.until([&] { return client.eof; }));
  EXPECT_THAT(client.got, EndsWith("\r\n\r\nok"));
}

TEST_F(EndToEnd, X6_interim_answers_go_through_and_the_body_waits_for_its_100) {
  Peer& client = world.client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  Peer& backend = asked(0, "Expect: 100-continue");
  backend.send("HTTP/1.1 100 Continue\r\n\r\n");
  answered(client, "HTTP/1.1 100 Continue\r\n");
  client.send("abc");
  asked(0, "\r\n\r\nabc").send(kOk);
  answered(client, "HTTP/1.1 200 OK");
}

TEST_F(EndToEnd, X6_trailers_go_both_ways) {
  Peer& client = world.client();
  client.send(
      "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n");
  asked(0, "0\r\nX-Sum: 1\r\n\r\n")
      .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n");
  answered(client, "0\r\nX-Sum: 2\r\n\r\n");
}

TEST_F(EndToEnd, X4_a_body_of_very_many_tiny_chunks_streams) {
  Peer& client = world.client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string chunks;
  for (int i = 0; i < 100'000; ++i) chunks += "1\r\nx\r\n";
  client.send(chunks + "0\r\n\r\n");
  Peer& backend = asked(0, "\r\n0\r\n\r\n");
  EXPECT_EQ(count(backend.got, "1\r\nx\r\n"), 100'000u);
  backend.send(kOk);
  answered(client, "\r\n\r\nok");
}

TEST_F(EndToEnd, X4_a_client_that_does_not_read_stops_the_backends_sending) {
  Peer& client = world.client();
  client.reading = false;
  client.send(kGet);
  Peer& backend = asked(0, "GET");
  constexpr std::size_t kSize = 64 << 20;
  backend.send("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n" + std::string(kSize, 'x'));
  world.stall(backend);
  client.reading = true;
  EXPECT_TRUE(world.until([&] { return client.got.size() > kSize && backend.sent_all(); }));
}

TEST_F(EndToEnd, X6_an_answer_given_before_the_body_has_come_reaches_the_client) {
  Peer& client = world.client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + std::string(100'000, 'x'));
  asked(0, "xxx").send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
  answered(client, "Connection: close\r\n");
  client.send(std::string(100'000, 'x'));
  EXPECT_TRUE(world.until([&] { return client.ended(); }));
  EXPECT_THAT(client.got, EndsWith("\r\n\r\nbig"));
  EXPECT_TRUE(client.eof) << "no reset that might take the answer with it";
  EXPECT_EQ(world.counters(0).aborted.get(), 0u);
}

TEST_F(EndToEnd, X5_a_body_that_stops_coming_while_the_answer_flows_ends_the_request) {
  Peer& client = world.client();
  client.reading = false;
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
  asked(0, "abc").send("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + std::string(64 << 20, 'x'));
  world.stall((*origin)[0]);
  client.reading = true;
  ASSERT_TRUE(world.until([&] { return client.got.size() > 64 << 20; }));
  world.skip(61s);
  EXPECT_TRUE(world.until([&] { return client.ended() && (*origin)[0].ended(); }));
}

TEST_F(EndToEnd, a_head_larger_than_the_first_buffer_is_taken) {
  Peer& client = world.client();
  const std::string long_field = "X-Long: " + std::string(7'000, 'l') + "\r\n";
  client.send("GET /a HTTP/1.1\r\nHost: x\r\n" + long_field + long_field + long_field + "\r\n");
  asked(0, long_field + long_field + long_field).send(kOk);
  answered(client, "\r\n\r\nok");
}

TEST_F(EndToEnd, X6_bytes_behind_an_upgrade_wait_for_the_101) {
  Peer& client = world.client();
  client.send(std::string(kUpgrade) + "early");
  Peer& backend = asked(0, "Upgrade: websocket");
  client.send(" and more");
  world.settle();
  EXPECT_THAT(backend.got, EndsWith("\r\n\r\n"));
  backend.send(std::string(kSwitch) + "hello");
  answered(client, "\r\n\r\nhello");
  asked(0, "\r\n\r\nearly and more");
  client.send("x");
  asked(0, "morex");
  EXPECT_EQ(world.backend(0).tunnels.get(), 1u);
}

}  // namespace
}  // namespace sluice::worker
