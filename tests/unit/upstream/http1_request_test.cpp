// A request to a backend over HTTP/1: what goes out, which events the answer makes, what is limited when, and
// what becomes of the connection.
#include "http1_fixture.hpp"
#include "proxy/upstream/websocket.hpp"

namespace sluice::upstream {
namespace {

TEST_F(Http1RequestTest, a_request_and_its_answer_and_the_next_one_on_the_same_connection) {
  open();
  EXPECT_FALSE(request->reused());
  EXPECT_EQ(request->phase(), Phase::connecting);
  send();
  EXPECT_EQ(request->phase(), Phase::sent);
  EXPECT_THAT(backend_end().got, StartsWith("GET /a HTTP/1.1\r\nHost: api.example\r\n"));
  origin[0].send(kOk);
  EXPECT_EQ(receive(), "200:ok! ");
  EXPECT_EQ(request->phase(), Phase::answered);
  finish();
  EXPECT_EQ(backend.idle(), 1u);
  open();
  EXPECT_TRUE(request->reused());
  finish();
  open(true);
  EXPECT_FALSE(request->reused());
}

TEST_F(Http1RequestTest, interim_answers_come_before_the_head_and_pieces_as_they_are) {
  EXPECT_EQ(exchange("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n"
                     "0\r\nChecksum: 1\r\n\r\n"),
            "103 102 200:abc de end Checksum=1");
  finish();
  EXPECT_EQ(backend.idle(), 1u);
}

TEST_F(Http1RequestTest, an_answer_without_a_body_ends_behind_its_head) {
  head.is_head = true;
  EXPECT_EQ(exchange("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"), "200:end");
  finish();
  head.is_head = false;
  EXPECT_EQ(exchange("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "200:end");
  finish();
  EXPECT_EQ(exchange("HTTP/1.1 304 Not Modified\r\n\r\n"), "304:end");
}

TEST_F(Http1RequestTest, the_connections_end_ends_an_answer_without_a_length_and_nothing_follows_on_it) {
  open();
  send();
  backend_end().send("HTTP/1.1 200 OK\r\n\r\nall");
  origin[0].finish();
  EXPECT_EQ(receive(), "200:all end");
  finish();
  EXPECT_EQ(backend.idle(), 0u);
}

TEST_F(Http1RequestTest, an_answer_that_is_cut_short_ends_as_ended_or_reset) {
  open();
  send();
  backend_end().send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
  origin[0].finish();
  EXPECT_EQ(receive(), "200:ab ");
  EXPECT_EQ(received, StreamStatus::ended);
  finish();
  open();
  send();
  backend_end(1).abort();
  receive();
  EXPECT_EQ(received, StreamStatus::reset);
  EXPECT_EQ(request->phase(), Phase::sent);
}

TEST_F(Http1RequestTest, X3_a_malformed_answer_fails_wherever_it_is_malformed) {
  EXPECT_EQ(exchange("nonsense\r\n\r\n"), "malformed");
  finish();
  EXPECT_EQ(exchange("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nx\r\n", 1),
            "200:a malformed");
  EXPECT_EQ(request->next().kind, AnswerEvent::Kind::failed) << "and stays so";
  finish();
  EXPECT_EQ(backend.idle(), 0u);
}

TEST_F(Http1RequestTest, X3_a_head_that_outgrows_its_buffer_fails) {
  open();
  send();
  std::string long_head = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 80; ++i) long_head += "a: " + std::string(1000, 'x') + "\r\n";
  backend_end().send(long_head);
  EXPECT_EQ(receive(), "malformed");
}

TEST_F(Http1RequestTest, a_short_body_and_a_long_one_go_whole) {
  head.method = "PUT";
  head.body = http::BodyLength::known;
  head.content_length = 5;
  open();
  send("short");
  EXPECT_TRUE(until([&] { return backend_end().got.ends_with("\r\n\r\nshort"); }));
  EXPECT_THAT(origin[0].got, HasSubstr("Content-Length: 5\r\n"));
  origin[0].send(kOk);
  EXPECT_EQ(receive(), "200:ok! ");
  finish();
  const std::string body(100'000, 'b');
  head.content_length = body.size();
  open();
  send(body);
  EXPECT_TRUE(until([&] { return backend_end().got.ends_with("\r\n\r\n" + body); }));
  origin[0].send(kOk);
  EXPECT_EQ(receive(), "200:ok! ");
  finish();
  EXPECT_EQ(backend.idle(), 1u);
}

TEST_F(Http1RequestTest, pieces_of_known_length_go_as_they_are_and_of_unknown_length_in_chunks) {
  head.method = "PUT";
  head.body = http::BodyLength::known;
  head.content_length = 5;
  open();
  send({}, false);
  send_piece("abc", false);
  send_piece("de", false);
  send_piece({}, true);
  EXPECT_TRUE(until([&] { return backend_end().got.ends_with("\r\n\r\nabcde"); }));
  origin[0].send(kOk);
  EXPECT_EQ(receive(), "200:ok! ");
  finish();
  head.body = http::BodyLength::unknown;
  open();
  send({}, false);
  EXPECT_TRUE(request->reused());
  send_piece("abc", false);
  send_piece(std::string(17, 'd'), false);
  const http::Field trailers[] = {{"Checksum", "1"}, {"Took", "2"}};
  send_piece({}, true, trailers);
  EXPECT_TRUE(until([&] {
    return backend_end().got.ends_with("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n11\r\n" +
                                       std::string(17, 'd') + "\r\n0\r\nChecksum: 1\r\nTook: 2\r\n\r\n");
  })) << origin[0].got;
  origin[0].send(kOk);
  EXPECT_EQ(receive(), "200:ok! ");
  finish();
  EXPECT_EQ(backend.idle(), 1u);
}

TEST_F(Http1RequestTest, the_begin_of_a_body_goes_with_the_head_and_the_rest_behind_it) {
  head.method = "PUT";
  head.body = http::BodyLength::known;
  for (const std::size_t size : {3, 40'000}) {
    const std::string begin(size, 'b');
    head.content_length = size + 2;
    open();
    send(begin, false);
    EXPECT_TRUE(until([&] { return backend_end().got.ends_with("\r\n\r\n" + begin); }));
    send_piece("de", true);
    EXPECT_TRUE(until([&] { return backend_end().got.ends_with(begin + "de"); }));
    origin[0].send(kOk);
    EXPECT_EQ(receive(), "200:ok! ");
    finish();
  }
}

TEST_F(Http1RequestTest, X4_no_more_of_an_answer_is_read_at_once_than_is_asked_for) {
  open();
  send();
  request->limit_reads(16);
  backend_end().send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n" + std::string(50, 'x'));
  begin_receive();
  EXPECT_TRUE(until([this] { return received.has_value(); }));
  EXPECT_EQ(events.find(std::string(17, 'x')), std::string::npos) << events;
  EXPECT_EQ(std::count(events.begin(), events.end(), 'x'), 50);
}

TEST_F(Http1RequestTest, a_body_of_unknown_length_that_is_there_already_goes_in_a_chunk) {
  head.method = "PUT";
  head.body = http::BodyLength::unknown;
  open();
  send("abc", false);
  send_piece("d", true);
  EXPECT_TRUE(until([&] { return backend_end().got.ends_with("\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"); }));
  finish();
  open();
  send("abc");
  EXPECT_TRUE(until([&] { return backend_end(1).got.ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"); }));
}

TEST_F(Http1RequestTest, a_backend_that_refuses_a_long_body_may_answer_early) {
  head.method = "PUT";
  head.body = http::BodyLength::known;
  const std::string body(20'000'000, 'b');
  head.content_length = body.size();
  open();
  begin(body);
  EXPECT_TRUE(until([&] { return origin.size() == 1; }));
  origin[0].reading = false;
  settle();
  EXPECT_FALSE(sent.has_value());
  origin[0].send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  origin[0].close();
  EXPECT_TRUE(until([this] { return sent.has_value(); }));
  EXPECT_EQ(sent, StreamStatus::ok);
  begin_receive();
  EXPECT_TRUE(until([this] { return received.has_value(); }));  // the answer, or that it is lost (TCP)
  finish();
  EXPECT_EQ(backend.idle(), 0u);
}

TEST_F(Http1RequestTest, X2_a_connection_whose_request_has_not_gone_whole_is_closed) {
  head.method = "PUT";
  head.body = http::BodyLength::known;
  head.content_length = 5;
  open();
  send({}, false);
  send_piece("abc", false);
  backend_end().send(kOk);
  EXPECT_EQ(receive(), "200:ok! ");
  finish();
  EXPECT_EQ(backend.idle(), 0u);
  EXPECT_TRUE(until([this] { return origin[0].eof; }));
}

TEST_F(Http1RequestTest, a_connection_whose_answer_was_not_taken_whole_is_closed) {
  open();
  send();
  backend_end().send(kOk);
  received.reset();
  spawn(run_receive_head());
  EXPECT_TRUE(until([this] { return received.has_value(); }));
  finish();
  EXPECT_EQ(backend.idle(), 0u);
}

TEST_F(Http1RequestTest, X2_bytes_behind_an_answer_put_the_backend_under_quarantine) {
  exchange(kOk);
  finish();
  EXPECT_EQ(backend.idle(), 1u);
  open();
  send();
  backend_end().send(std::string(kOk) + "HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(receive(), "200:ok! ");
  finish();
  EXPECT_EQ(backend.idle(), 0u);
  EXPECT_EQ(exchange(kOk, 1), "200:ok! ");
  finish();
  EXPECT_EQ(backend.idle(), 0u) << "no connection to it is kept for a while";
}

TEST_F(Http1RequestTest, a_connection_that_the_backend_closes_is_not_kept) {
  EXPECT_EQ(exchange("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"), "200:ok! ");
  finish();
  EXPECT_EQ(backend.idle(), 0u);
  EXPECT_EQ(exchange("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok", 1),
            "200:ok! ");
  finish();
  EXPECT_EQ(backend.idle(), 0u) << "the last second belongs to the backend's close";
}

TEST_F(Http1RequestTest, a_connection_whose_end_came_with_the_answer_serves_no_other_request) {
  open();
  send();
  backend_end().send(kOk);
  origin[0].finish();
  settle();
  EXPECT_EQ(receive(), "200:ok! ");
  finish();
  open();
  EXPECT_FALSE(request->reused());
}

TEST_F(Http1RequestTest, R4_a_login_waits_for_its_client_only) {
  target.logins = &logins;
  head.login = true;
  EXPECT_EQ(exchange(kOk), "200:ok! ");
  finish();
  EXPECT_EQ(backend.idle(), 0u);
  EXPECT_EQ(logins.at(service), &backend);
  target.logins = nullptr;
  open();
  EXPECT_FALSE(request->reused());
  finish();
  target.logins = &logins;
  open();
  EXPECT_TRUE(request->reused());
}

TEST_F(Http1RequestTest, R4_an_answer_that_logs_in_makes_a_login_and_without_a_keeper_it_is_closed) {
  EXPECT_EQ(exchange("HTTP/1.1 401 No\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n"), "401:end");
  finish();
  EXPECT_EQ(backend.idle(), 0u);
  EXPECT_EQ(logins.at(service), nullptr);
}

TEST_F(Http1RequestTest, R4_a_copy_of_a_request_that_logs_in_logs_nothing_in) {
  head.login = true;
  forward.mirror = true;
  EXPECT_EQ(exchange(kOk), "200:ok! ");
  finish();
  EXPECT_EQ(backend.idle(), 1u);
}

TEST_F(Http1RequestTest, a_connection_that_speaks_for_a_client_serves_once) {
  exchange(kOk);
  finish();
  EXPECT_EQ(backend.idle(), 1u);
  SocketAddresses addresses;
  addresses.source = addresses.destination = {*parse_ip("192.0.2.1"), 1000};
  target.proxy_protocol = ProxyVersion::v1;
  target.speaks_for = &addresses;
  EXPECT_EQ(exchange(kOk, 1), "200:ok! ");
  EXPECT_THAT(origin[1].got, StartsWith("PROXY TCP4 192.0.2.1 192.0.2.1 1000 1000\r\nGET /a"));
  finish();
  EXPECT_EQ(backend.idle(), 1u);
}

TEST_F(Http1RequestTest, no_connection_is_the_backends_failure) {
  origin.stop();
  request = connector.open(target, false);
  EXPECT_EQ(connect(), Connected::failed);
}

TEST_F(Http1RequestTest, an_answer_has_its_time_from_the_request_on_and_between_its_pieces) {
  open();
  send();
  backend_end();
  begin_receive();
  settle();
  skipped += timeouts.response / 2;
  settle();
  origin[0].send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
  EXPECT_TRUE(until([this] { return events == "200:ab "; }));
  skipped += timeouts.response / 2 + 100ms;
  settle();
  EXPECT_FALSE(received.has_value());
  skipped += timeouts.response / 2;
  EXPECT_TRUE(until([this] { return received.has_value(); }));
  EXPECT_EQ(received, StreamStatus::timed_out);
}

TEST_F(Http1RequestTest, no_time_runs_against_the_backend_while_the_clients_next_piece_is_awaited) {
  head.method = "PUT";
  head.body = http::BodyLength::known;
  head.content_length = 5;
  open();
  send({}, false);
  begin_receive();
  send_piece("abc", false);
  skipped += 10 * timeouts.response;
  settle();
  EXPECT_FALSE(received.has_value());
  send_piece("de", true);
  skipped += timeouts.response + 100ms;
  EXPECT_TRUE(until([this] { return received.has_value(); }));
  EXPECT_EQ(received, StreamStatus::timed_out);
}

TEST_F(Http1RequestTest, a_backend_that_takes_nothing_is_given_up_in_time) {
  head.method = "PUT";
  head.body = http::BodyLength::known;
  const std::string body(20'000'000, 'b');
  head.content_length = body.size();
  open();
  EXPECT_TRUE(until([&] { return origin.size() == 1; }));
  origin[0].reading = false;
  begin(body);
  settle();
  EXPECT_FALSE(sent.has_value());
  skipped += timeouts.response + 100ms;
  EXPECT_TRUE(until([this] { return sent.has_value(); }));
  EXPECT_EQ(sent, StreamStatus::timed_out);
}

TEST_F(Http1RequestTest, what_is_awaited_can_be_cancelled) {
  open();
  send();
  begin_receive();
  settle();
  request->cancel();
  EXPECT_TRUE(until([this] { return received.has_value(); }));
  EXPECT_EQ(received, StreamStatus::canceled);
}

// --- by a pipe

TEST_F(Http1RequestTest, a_request_that_nobody_finishes_is_reset) {
  open();
  send();
  backend_end();
  request.reset();
  EXPECT_TRUE(until([this] { return origin[0].ended(); }));
  EXPECT_TRUE(origin[0].reset);
}

TEST_F(Http1RequestTest, X6_a_101_is_followed_when_it_was_asked_for_and_only_then) {
  EXPECT_EQ(exchange(kSwitch), "malformed");
  finish();
  head.upgrade = "websocket";
  EXPECT_EQ(exchange("HTTP/1.1 101 Other\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 1), "malformed");
  finish();
  EXPECT_EQ(exchange(std::string(kSwitch) + "hello", 2), "tunnel");
  EXPECT_EQ(request->answer().status, 101);
  EXPECT_EQ(read_tunnel(), "hello");
  origin[2].send("more");
  EXPECT_EQ(read_tunnel(), "more");
  origin[2].got.clear();
  sent.reset();
  spawn(run_write_tunnel("up"));
  EXPECT_TRUE(until([this] { return origin[2].got == "up"; }));
  EXPECT_EQ(sent, StreamStatus::ok);
  request->end_tunnel();
  EXPECT_TRUE(until([this] { return origin[2].eof; }));
  origin[2].finish();
  read_tunnel();
  EXPECT_EQ(received, StreamStatus::ended);
  finish();
  EXPECT_EQ(backend.idle(), 0u);
}

TEST_F(Http1RequestTest, D1_a_tunnels_time_can_be_shortened_while_it_waits) {
  head.upgrade = "websocket";
  EXPECT_EQ(exchange(kSwitch), "tunnel");
  received.reset();
  spawn(run_read_tunnel());
  settle();
  request->set_tunnel_timeout(1s);
  skipped += 2s;
  EXPECT_TRUE(until([this] { return received.has_value(); }));
  EXPECT_EQ(received, StreamStatus::timed_out);
}

// RFC 8441: a client over HTTP/2 has no key, so that it is ours, and so is the check of its answer.
TEST_F(Http1RequestTest, a_websocket_of_a_client_over_http2_is_proved_by_a_key_of_ours) {
  head.upgrade = "websocket";
  head.over_http2 = true;
  forward.random = {1, 2, 3};
  open();
  send();
  const std::string got = backend_end().got;
  EXPECT_THAT(got, StartsWith("GET /a HTTP/1.1\r\n"));
  EXPECT_THAT(got, HasSubstr("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  EXPECT_THAT(got, HasSubstr("Sec-WebSocket-Version: 13\r\n"));
  constexpr std::string_view kName = "Sec-WebSocket-Key: ";
  const auto at = got.find(kName);
  ASSERT_NE(at, std::string::npos);
  const std::string key = got.substr(at + kName.size(), 24);
  EXPECT_EQ(got.substr(at + kName.size() + 24, 2), "\r\n");
  const auto accept = websocket_accept(key);
  std::string answer(kSwitch);
  answer.insert(answer.size() - 2,
                "Sec-WebSocket-Accept: " + std::string(accept.data(), accept.size()) + "\r\n");
  origin[0].send(answer);
  EXPECT_EQ(receive(), "tunnel");
}

TEST_F(Http1RequestTest, a_101_that_does_not_prove_it_is_malformed) {
  head.upgrade = "websocket";
  head.over_http2 = true;
  EXPECT_EQ(exchange(kSwitch), "malformed");
  finish();
  std::string wrong(kSwitch);
  wrong.insert(wrong.size() - 2, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
  EXPECT_EQ(exchange(wrong, 1), "malformed");
}

TEST(WebSocket, is_proved_as_RFC_6455_has_it) {
  const auto accept = websocket_accept("dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_EQ(std::string_view(accept.data(), accept.size()), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  const auto key = make_websocket_key({1, 2, 3});
  EXPECT_EQ(std::string_view(key.data(), key.size()), "AwAAAAAAAAAFAAAAAAAAAA==");
}

}  // namespace
}  // namespace sluice::upstream
