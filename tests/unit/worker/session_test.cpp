// A client's connection: heads, bodies, keep-alive, pipelining, leaving (X3 to X6, P).
#include "world.hpp"

namespace sluice::worker {
namespace {

using Sessions = OneOrigin;

std::size_t count(std::string_view text, std::string_view word) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string_view::npos; at += word.size()) ++found;
  return found;
}

TEST_F(Sessions, X6_a_kept_alive_client_is_served_over_one_backend_connection) {
  Peer& client = world.client();
  for (std::size_t i = 1; i <= 3; ++i) {
    client.send(kGet);
    ASSERT_TRUE(world.until([&] { return origin->size() == 1 && count((*origin)[0].got, "GET /a") == i; }));
    (*origin)[0].send(kOk);
    ASSERT_TRUE(world.until([&] { return count(client.got, "\r\n\r\nok") == i; }));
  }
  EXPECT_EQ(origin->size(), 1u);
  EXPECT_EQ(world.counters(0).requests.get(), 3u);
  EXPECT_EQ(world.counters(0).by_class[2].get(), 3u);
}

TEST_F(Sessions, X6_answers_without_a_body_leave_both_connections_in_step) {
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

TEST_F(Sessions, X6_a_close_delimited_answer_is_chunked_for_the_client_who_stays) {
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

TEST_F(Sessions, X6_an_http_1_0_client_gets_the_bare_body_and_the_end) {
  Peer& client = world.client();
  client.send("GET /a HTTP/1.0\r\n\r\n");
  asked(0, "GET /a HTTP/1.1\r\nHost: 127.0.0.1:")
      .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
  EXPECT_TRUE(world.until([&] { return client.eof; }));
  EXPECT_THAT(client.got, EndsWith("\r\n\r\nok"));
}

TEST_F(Sessions, X6_interim_answers_go_through_and_the_body_waits_for_its_100) {
  Peer& client = world.client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  Peer& backend = asked(0, "Expect: 100-continue");
  backend.send("HTTP/1.1 100 Continue\r\n\r\n");
  answered(client, "HTTP/1.1 100 Continue\r\n");
  client.send("abc");
  asked(0, "\r\n\r\nabc").send(kOk);
  answered(client, "HTTP/1.1 200 OK");
}

TEST_F(Sessions, X6_trailers_go_both_ways) {
  Peer& client = world.client();
  client.send(
      "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n");
  asked(0, "0\r\nX-Sum: 1\r\n\r\n")
      .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n");
  answered(client, "0\r\nX-Sum: 2\r\n\r\n");
}

TEST_F(Sessions, Pipelined_requests_are_answered_in_order) {
  Peer& client = world.client();
  client.send(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: "
      "x\r\n\r\n");
  for (const auto* path : {"/1", "/2", "/3"}) {
    Peer& backend = asked(0, std::string("GET ") + path + " ");
    world.settle();
    EXPECT_EQ(count(backend.got, "GET"), static_cast<std::size_t>(path[1] - '0')) << "one at a time";
    backend.send(std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n") + path);
    answered(client, std::string("\r\n\r\n") + path);
  }
}

TEST_F(Sessions, A_body_and_the_next_request_in_one_packet_are_told_apart) {
  Peer& client = world.client();
  client.send(
      "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(asked(0, "abc").got, EndsWith("\r\n\r\nabc"));
  (*origin)[0].send(kOk);
  asked(0, "GET /2").send(kOk);
  EXPECT_TRUE(world.until([&] { return count(client.got, "\r\n\r\nok") == 2; }));
}

TEST_F(Sessions, A_chunked_body_and_the_next_request_in_one_packet_are_told_apart) {
  Peer& client = world.client();
  client.send(
      "POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
      "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(asked(0, "0\r\n\r\n").got, EndsWith("3\r\nabc\r\n0\r\n\r\n"));
  (*origin)[0].send(kOk);
  asked(0, "GET /2").send(kOk);
  EXPECT_TRUE(world.until([&] { return count(client.got, "\r\n\r\nok") == 2; }));
}

// The read-ahead for the second request is outstanding when its long body begins to be read.
TEST_F(Sessions, A_long_body_behind_a_pipelined_head_arrives_byte_for_byte) {
  Peer& client = world.client();
  std::string body(300'000, ' ');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i * i % 23);
  client.send(kGet);
  Peer& backend = asked(0, "GET /a");
  client.send("PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + body.substr(0, 100));
  world.settle();
  backend.send(kOk);
  asked(0, body.substr(0, 100));
  client.send(body.substr(100) + std::string(kGet));
  EXPECT_TRUE(world.until(
      [&] { return backend.got.size() > body.size() && backend.got.find(body) != std::string::npos; }));
  backend.send(kOk);
  EXPECT_TRUE(world.until([&] { return count(backend.got, "GET /a") == 2; }))
      << "what came behind the body is the next request";
  backend.send(kOk);
  EXPECT_TRUE(world.until([&] { return count(client.got, "\r\n\r\nok") == 3; }));
}

TEST_F(Sessions, X4_a_body_of_very_many_tiny_chunks_streams) {
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

TEST_F(Sessions, X4_a_client_that_does_not_read_stops_the_backends_sending) {
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

TEST_F(Sessions, X5_a_client_that_never_reads_is_left_after_its_time) {
  Peer& client = world.client();
  client.reading = false;
  client.send(kGet);
  asked(0, "GET").send("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n" + std::string(64 << 20, 'x'));
  world.stall((*origin)[0]);
  world.skip(61s);
  EXPECT_TRUE(world.until([&] { return world.idle() && (*origin)[0].sent_all(); }))
      << "the backend is let go, too";
  EXPECT_EQ(world.counters(0).aborted.get(), 1u);
}

TEST_F(Sessions, X6_an_answer_given_before_the_body_has_come_reaches_the_client) {
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

TEST_F(Sessions, R1_a_backend_that_dies_during_an_upload_is_502_for_the_client) {
  Peer& client = world.client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + std::string(50'000, 'x'));
  asked(0, "xxx").abort();
  answered(client, "HTTP/1.1 502");
  EXPECT_EQ(world.counters(0).aborted.get(), 0u);
  EXPECT_EQ(world.counters(0).errors.get(), 1u);
}

TEST_F(Sessions, X5_a_body_that_stops_coming_is_408) {
  Peer& client = world.client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
  asked(0, "abc");
  world.skip(61s);
  answered(client, "HTTP/1.1 408");
  EXPECT_TRUE(world.until([&] { return (*origin)[0].ended(); }));
  EXPECT_EQ(world.counters(0).errors.get(), 0u);
}

// The answer's wait for a slow reader ends while the body is still being awaited: the body keeps its own
// limit.
TEST_F(Sessions, X5_a_body_that_stops_coming_while_the_answer_flows_ends_the_request) {
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

TEST_F(Sessions, A_malformed_body_is_400_and_goes_no_further) {
  Peer& client = world.client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnot a size\r\n");
  answered(client, "HTTP/1.1 400");
  EXPECT_TRUE(world.until([&] { return origin->size() == 1 && (*origin)[0].ended(); }));
  EXPECT_THAT((*origin)[0].got, Not(HasSubstr("not a size")));
}

TEST_F(Sessions, X5_a_head_that_does_not_end_is_408) {
  Peer& client = world.client();
  client.send("GET / HTTP/1.1\r\nHo");
  world.settle();
  world.skip(61s);
  answered(client, "HTTP/1.1 408");
  EXPECT_TRUE(world.until([&] { return client.eof; }));
  EXPECT_EQ(origin->size(), 0u);
}

TEST_F(Sessions, X5_a_client_that_says_nothing_is_closed) {
  Peer& client = world.client();
  world.skip(10s);
  world.settle();
  EXPECT_FALSE(client.ended());
  world.skip(61s);
  EXPECT_TRUE(world.until([&] { return client.eof; }));
  EXPECT_EQ(client.got, "");
}

TEST_F(Sessions, A_client_that_speaks_after_a_long_rest_is_served) {
  Peer& client = world.client();
  client.send(kGet);
  asked(0, "GET").send(kOk);
  answered(client, "\r\n\r\nok");
  world.skip(30s);  // it gave its buffers back
  world.settle();
  client.got.clear();
  client.send(kGet);
  ASSERT_TRUE(world.until([&] { return count((*origin)[0].got, "GET") == 2; }));
  (*origin)[0].send(kOk);
  answered(client, "\r\n\r\nok");
}

TEST_F(Sessions, X2_a_malformed_head_is_answered_and_closed) {
  Peer& client = world.client();
  client.send("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
  answered(client, "HTTP/1.1 400");
  EXPECT_TRUE(world.until([&] { return client.eof; }));
  EXPECT_EQ(world.lent.counters.refused_requests[reason_index("malformed")].get(), 1u);
}

TEST_F(Sessions, A_head_larger_than_the_first_buffer_is_taken) {
  Peer& client = world.client();
  const std::string long_field = "X-Long: " + std::string(7'000, 'l') + "\r\n";
  client.send("GET /a HTTP/1.1\r\nHost: x\r\n" + long_field + long_field + long_field + "\r\n");
  asked(0, long_field + long_field + long_field).send(kOk);
  answered(client, "\r\n\r\nok");
}

TEST_F(Sessions, X3_bytes_behind_an_answer_are_nobodys_answer) {
  Peer& client = world.client();
  client.send(kGet);
  asked(0, "GET").send(std::string(kOk) + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  answered(client, "\r\n\r\nok");
  client.send(kGet);
  asked(1, "GET").send(kOk);
  EXPECT_TRUE(world.until([&] { return count(client.got, "\r\n\r\nok") == 2; }));
  EXPECT_THAT(client.got, Not(HasSubstr("evil")));
}

TEST_F(Sessions, A_client_that_goes_away_takes_its_backend_request_along) {
  Peer& client = world.client();
  client.send(kGet);
  Peer& backend = asked(0, "GET");
  client.abort();
  EXPECT_TRUE(world.until([&] { return backend.ended() && world.idle(); }));
  EXPECT_EQ(world.counters(0).aborted.get(), 1u);
  EXPECT_EQ(world.counters(0).errors.get(), 0u);
}

TEST_F(Sessions, A_client_that_leaves_in_its_upload_takes_its_backend_request_along) {
  Peer& client = world.client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
  Peer& backend = asked(0, "abc");
  client.close();
  EXPECT_TRUE(world.until([&] { return backend.ended() && world.idle(); }));
  EXPECT_EQ(world.counters(0).aborted.get(), 1u);
}

TEST_F(Sessions, A_client_that_leaves_after_its_upload_is_noticed) {
  Peer& client = world.client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x'));
  ASSERT_TRUE(world.until([&] { return origin->size() == 1 && (*origin)[0].got.size() > 100'000; }));
  client.abort();
  EXPECT_TRUE(world.until([&] { return (*origin)[0].ended() && world.idle(); }));
}

TEST_F(Sessions, A_half_closed_client_gets_its_answer) {
  Peer& client = world.client();
  client.send(kGet);
  client.finish();
  Peer& backend = asked(0, "GET");
  world.settle();
  backend.send(kOk);
  EXPECT_TRUE(world.until([&] { return client.eof; }));
  EXPECT_THAT(client.got, EndsWith("\r\n\r\nok"));
}

TEST_F(Sessions, A_half_closed_client_keeps_its_answer_while_it_moves) {
  Peer& client = world.client();
  client.send(kGet);
  client.finish();
  Peer& backend = asked(0, "GET");
  backend.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  std::string sent;
  for (const char c : std::string("moves")) {
    world.skip(300ms);
    backend.send({&c, 1});
    answered(client, "\r\n\r\n" + (sent += c));
  }
  EXPECT_TRUE(world.until([&] { return client.eof; }));
}

TEST_F(Sessions, A_half_closed_client_without_an_answer_is_taken_for_gone) {
  Peer& client = world.client();
  client.send(kGet);
  client.finish();
  Peer& backend = asked(0, "GET");
  world.settle();
  world.skip(1s);
  EXPECT_TRUE(world.until([&] { return backend.ended() && world.idle(); }));
}

TEST_F(Sessions, D6_at_shutdown_the_idle_end_now_and_the_busy_after_their_answer) {
  Peer& resting = world.client();
  Peer& busy = world.client();
  busy.send(kGet);
  Peer& backend = asked(0, "GET");
  world.lent.shutting_down = true;
  for (net::WheelHook* hook = world.connections.next; hook != &world.connections; hook = hook->next)
    client::Connection::from(*hook).drain();
  EXPECT_TRUE(world.until([&] { return resting.eof; }));
  EXPECT_FALSE(busy.ended());
  backend.send(kOk);
  EXPECT_TRUE(world.until([&] { return busy.eof; }));
  EXPECT_THAT(busy.got, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(busy.got, EndsWith("\r\n\r\nok"));
}

TEST_F(Sessions, D6_what_waits_for_a_place_or_uploads_can_be_cut) {
  world.spec.limits.in_flight = 1;
  world.publish();
  Peer& uploading = world.client();
  uploading.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
  asked(0, "abc");
  Peer& waiting = world.client();
  waiting.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
  ASSERT_TRUE(world.until([&] { return world.live->waiting.load() == 1; }));
  for (net::WheelHook* hook = world.connections.next; hook != &world.connections; hook = hook->next)
    client::Connection::from(*hook).close_now();
  EXPECT_TRUE(world.until([&] { return world.idle(); }));
}

}  // namespace
}  // namespace sluice::worker
