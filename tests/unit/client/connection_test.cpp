// A client connection and its streams, from the client's side and from the one who answers.
#include "clients.hpp"

namespace sluice::client {
namespace {

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// tcpi_segs_in of linux/tcp.h, which glibc's tcp_info does not have.
std::uint32_t packets_in(const Peer& peer) {
  std::uint32_t info[48]{};
  socklen_t size = sizeof info;
  ::getsockopt(peer.fd(), IPPROTO_TCP, TCP_INFO, info, &size);
  return info[35];
}

TEST_F(Clients, requests_are_answered_one_after_the_other) {
  Peer& peer = client();
  peer.send(std::string(kGet) + "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(until([&] { return count(peer.got, "\r\n\r\nok") == 2; })) << peer.got;
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].path + seen[1].path, "/a/b");
  EXPECT_EQ(count(peer.got, "X-Extra: 1\r\n"), 2u);
  EXPECT_FALSE(peer.ended());
}

TEST_F(Clients, the_next_request_waits_while_one_is_answered) {
  way = Way::held;
  Peer& peer = client();
  peer.send(kGet);
  ASSERT_TRUE(until([&] { return seen.size() == 1; }));
  peer.send("GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  settle();
  EXPECT_EQ(seen.size(), 1u);
  release.fire();
  ASSERT_TRUE(until([&] { return count(peer.got, "\r\n\r\nok") == 2; }));
  EXPECT_EQ(seen[1].path, "/b");
}

TEST_F(Clients, pipelined_requests_are_served_in_order_one_at_a_time) {
  way = Way::held;
  Peer& peer = client();
  peer.send(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: "
      "x\r\n\r\n");
  for (std::size_t n = 1; n <= 3; ++n) {
    ASSERT_TRUE(until([&] { return seen.size() == n; }));
    settle();
    EXPECT_EQ(seen.size(), n) << "one at a time";
    EXPECT_EQ(count(peer.got, "\r\n\r\nok"), n - 1);
    EXPECT_EQ(seen[n - 1].path, "/" + std::to_string(n));
    release.fire();
    release.reset();
  }
  EXPECT_TRUE(until([&] { return count(peer.got, "\r\n\r\nok") == 3; }));
}

TEST_F(Clients, a_body_and_the_next_request_in_one_packet_are_told_apart) {
  Peer& peer = client();
  peer.send("POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(until([&] { return count(peer.got, "\r\n\r\nok") == 2; }));
  EXPECT_EQ(seen[0].body, "abc");
  EXPECT_EQ(seen[1].path, "/2");
  EXPECT_EQ(seen[1].body, "");
}

// The read-ahead for the second request is outstanding when its long body begins to be read.
TEST_F(Clients, a_long_body_behind_a_pipelined_head_arrives_byte_for_byte) {
  way = Way::held;
  Peer& peer = client();
  std::string body(300'000, ' ');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i * i % 23);
  peer.send(kGet);
  ASSERT_TRUE(until([&] { return seen.size() == 1; }));
  peer.send("PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + body.substr(0, 100));
  settle();
  way = Way::ok;
  release.fire();
  ASSERT_TRUE(until([&] { return seen.size() == 2 && seen[1].body == body.substr(0, 100); }));
  peer.send(body.substr(100) + std::string(kGet));
  EXPECT_TRUE(until([&] { return count(peer.got, "\r\n\r\nok") == 3; }));
  EXPECT_EQ(seen[1].body, body);
  EXPECT_EQ(seen[2].path, "/a") << "what came behind the body is the next request";
}

TEST_F(Clients, a_body_that_is_malformed_is_known_for_it_and_nothing_of_it_goes_further) {
  Peer& peer = client();
  peer.send("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnot a size\r\n");
  EXPECT_TRUE(got(peer, "HTTP/1.1 400 "));
  EXPECT_EQ(seen[0].end, BodyPiece::Kind::malformed);
  EXPECT_EQ(seen[0].body, "abc");
}

TEST_F(Clients, an_observer_hears_of_a_fin_once) {
  way = Way::held;
  Peer& peer = client();
  peer.send(kGet);
  ASSERT_TRUE(until([&] { return seen.size() == 1; }));
  peer.finish();
  ASSERT_TRUE(until([&] { return seen[0].half_closed > 0; }));
  settle();
  EXPECT_EQ(seen[0].half_closed, 1);
  EXPECT_EQ(seen[0].gone, 0);
  release.fire();
  EXPECT_TRUE(got(peer, "\r\n\r\nok"));
}

TEST_F(Clients, an_observer_hears_of_a_reset) {
  way = Way::held;
  Peer& peer = client();
  peer.send(kGet);
  ASSERT_TRUE(until([&] { return seen.size() == 1; }));
  peer.abort();
  ASSERT_TRUE(until([&] { return seen[0].gone > 0; }));
  EXPECT_EQ(seen[0].gone, 1);
}

TEST_F(Clients, an_observer_hears_once_that_the_connection_is_closed) {
  way = Way::held;
  Peer& peer = client();
  peer.send(kGet);
  ASSERT_TRUE(until([&] { return seen.size() == 1; }));
  Connection::from(*list.next).close_now();
  Connection::from(*list.next).close_now();
  EXPECT_EQ(seen[0].gone, 1);
  release.fire();
  ASSERT_TRUE(until([&] { return peer.ended(); }));
  EXPECT_TRUE(peer.reset);
  EXPECT_EQ(peer.got, "");
}

TEST_F(Clients, an_observer_hears_it_while_a_body_is_being_read) {
  client().send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab");
  ASSERT_TRUE(until([&] { return seen.size() == 1 && seen[0].body == "ab"; }));
  Connection::from(*list.next).close_now();
  EXPECT_EQ(seen[0].gone, 1);
  EXPECT_TRUE(until([&] { return seen[0].end == BodyPiece::Kind::canceled; }));
}

TEST_F(Clients, a_drain_ends_what_is_idle_and_what_is_parked) {
  Peer& fresh = client();
  Peer& parked = client();
  parked.send(kGet);
  ASSERT_TRUE(got(parked, "ok"));
  skip(6s);
  for (net::WheelHook* hook = list.next; hook != &list; hook = hook->next) Connection::from(*hook).drain();
  EXPECT_TRUE(until([&] { return fresh.eof && parked.eof; }));
}

TEST_F(Clients, a_drain_lets_a_request_end_first) {
  way = Way::held;
  Peer& peer = client();
  peer.send(kGet);
  ASSERT_TRUE(until([&] { return seen.size() == 1; }));
  worker.shutting_down = true;
  Connection::from(*list.next).drain();
  settle();
  EXPECT_FALSE(peer.ended());
  release.fire();
  EXPECT_TRUE(until([&] { return peer.eof; }));
  EXPECT_NE(peer.got.find("Connection: close\r\n"), peer.got.npos);
  EXPECT_EQ(count(peer.got, "\r\n\r\nok"), 1u);
}

TEST_F(Clients, a_parked_connection_is_served_when_it_speaks) {
  Peer& peer = client();
  peer.send(kGet);
  ASSERT_TRUE(got(peer, "ok"));
  skip(30s);
  peer.send("GET /b HTTP/1.1\r\nHo");
  settle();
  peer.send("st: x\r\n\r\n");
  EXPECT_TRUE(until([&] { return count(peer.got, "\r\n\r\nok") == 2; }));
}

TEST_F(Clients, a_parked_connection_is_parked_again_and_ends_when_its_time_is_over) {
  Peer& peer = client();
  for (const auto* path : {"/1", "/2"}) {
    peer.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(until([&] { return !seen.empty() && seen.back().path == path; }));
    const auto let_go = worker.let_go;
    skip(6s);
    EXPECT_EQ(worker.let_go, let_go + 1) << "parked";
  }
  EXPECT_FALSE(peer.ended());
  skip(info->spec.idle_timeout);
  EXPECT_TRUE(until([&] { return peer.eof; }));
  EXPECT_TRUE(list.next == &list) << "nothing is left of it";
}

TEST_F(Clients, a_parked_connection_ends_when_its_client_leaves_and_when_it_is_closed) {
  Peer& leaves = client();
  Peer& closed = client();
  for (Peer* peer : {&leaves, &closed}) {
    peer->send(kGet);
    ASSERT_TRUE(got(*peer, "ok"));
  }
  skip(6s);
  leaves.abort();
  ASSERT_TRUE(until([&] { return list.next == list.prev; }));
  Connection::from(*list.next).close_now();
  EXPECT_TRUE(until([&] { return closed.ended() && !list.linked(); }));
  EXPECT_TRUE(closed.reset);
}

TEST_F(Clients, a_client_that_says_nothing_at_first_is_parked_and_may_then_speak_http2) {
  Peer& peer = client();
  const auto let_go = worker.let_go;
  skip(6s);
  ASSERT_EQ(worker.let_go, let_go + 1);
  peer.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string("\0\0\0\4\0\0\0\0\0", 9));
  EXPECT_TRUE(got(peer, std::string_view("\4\1\0\0\0\0", 6))) << "its SETTINGS are acknowledged";
}

TEST_F(Clients, requests_before_and_after_parking_count_together) {
  info->spec.max_requests = 2;
  Peer& peer = client();
  peer.send(kGet);
  ASSERT_TRUE(got(peer, "ok"));
  skip(6s);
  peer.send(kGet);
  EXPECT_TRUE(until([&] { return peer.eof; }));
  EXPECT_EQ(count(peer.got, "Connection: close\r\n"), 1u);
}

// Whoever still sends would reset the connection at that, and lose the answer (RFC 9112 9.6).
TEST_F(Clients, a_client_that_asked_for_the_end_is_not_waited_for_unless_it_has_sent_more) {
  const std::string last = "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  Peer& peer = client();
  peer.send(last);
  EXPECT_TRUE(until([&] { return peer.eof; }));
  settle();
  EXPECT_FALSE(list.linked()) << "the client has not closed, the proxy has";
  EXPECT_EQ(count(peer.got, "\r\n\r\nok"), 1u);
  Peer& more = client();
  more.send(last + "GET /b");
  EXPECT_TRUE(until([&] { return more.eof; }));
  settle();
  EXPECT_TRUE(list.linked()) << "what it sends is read until it closes";
  EXPECT_EQ(count(more.got, "\r\n\r\nok"), 1u);
  more.finish();
  EXPECT_TRUE(until([&] { return !list.linked(); }));
}

TEST_F(Clients, the_end_comes_in_the_packet_of_the_last_answer) {
  Peer& kept = client();
  kept.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(got(kept, "ok"));
  Peer& closed = client();
  closed.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(until([&] { return closed.eof; }));
  EXPECT_TRUE(closed.got.ends_with("ok"));
  EXPECT_GT(packets_in(kept), 0u);
  EXPECT_EQ(packets_in(closed), packets_in(kept));
}

TEST_F(Clients, a_head_that_does_not_end_is_refused) {
  Peer& peer = client();
  peer.send("GET /b HTTP/1.1\r\nHo");
  settle();
  skip(11s);
  EXPECT_TRUE(got(peer, "HTTP/1.1 408 "));
  EXPECT_EQ(worker.counters.refused_requests[reason_index("timeout")].get(), 1u);
  EXPECT_EQ(seen.size(), 0u);
}

TEST_F(Clients, what_is_no_request_is_refused) {
  Peer& peer = client();
  peer.send("GET\r\n\r\n");
  EXPECT_TRUE(got(peer, "HTTP/1.1 400 "));
  EXPECT_TRUE(until([&] { return peer.eof; }));
  EXPECT_EQ(seen.size(), 0u);
}

TEST_F(Clients, X2_a_head_that_contradicts_itself_is_refused_counted_and_closed) {
  Peer& peer = client();
  peer.send("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
  EXPECT_TRUE(got(peer, "HTTP/1.1 400 "));
  EXPECT_TRUE(until([&] { return peer.eof; }));
  EXPECT_EQ(worker.counters.refused_requests[reason_index("malformed")].get(), 1u);
}

TEST_F(Clients, a_long_body_comes_in_pieces_and_its_trailers_as_fields) {
  Peer& peer = client();
  peer.send("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  ASSERT_TRUE(until([&] { return seen.size() == 1 && seen[0].body == "abc"; }));
  peer.send("3\r\ndef\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n" + std::string(kGet));
  ASSERT_TRUE(until([&] { return count(peer.got, "\r\n\r\nok") == 2; }));
  EXPECT_EQ(seen[0].body, "abcdef");
  EXPECT_EQ(seen[0].trailers, "X-A=1;X-B=2;");
}

TEST_F(Clients, a_body_beyond_the_limit_ends_too_large) {
  limit = 4;
  Peer& peer = client();
  peer.send("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  ASSERT_TRUE(until([&] { return seen.size() == 1; }));
  peer.send("3\r\ndef\r\n");
  EXPECT_TRUE(got(peer, "HTTP/1.1 400 "));
  EXPECT_EQ(seen[0].end, BodyPiece::Kind::too_large);
  EXPECT_NE(peer.got.find("Connection: close"), peer.got.npos);
}

TEST_F(Clients, a_body_that_does_not_come_is_too_slow) {
  client().send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab");
  ASSERT_TRUE(until([&] { return seen.size() == 1; }));
  settle();
  skip(31s);
  EXPECT_TRUE(until([&] { return seen[0].end == BodyPiece::Kind::too_slow; }));
}

TEST_F(Clients, trailers_of_an_answer_follow_its_last_chunk) {
  way = Way::trailers;
  Peer& peer = client();
  peer.send(kGet);
  EXPECT_TRUE(got(peer, "\r\n\r\n2\r\nok\r\n0\r\nT: 1\r\n\r\n"));
}

TEST_F(Clients, an_interim_answer_is_not_for_http_1_0) {
  way = Way::interim;
  Peer& old = client();
  old.send("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(got(old, "\r\n\r\nok"));
  EXPECT_EQ(old.got.find("103"), old.got.npos);
  Peer& peer = client();
  peer.send(kGet);
  EXPECT_TRUE(got(peer, "\r\n\r\nok"));
  EXPECT_TRUE(peer.got.starts_with("HTTP/1.1 103 "));
}

TEST_F(Clients, an_answer_that_cannot_be_completed_ends_in_a_reset) {
  way = Way::reset;
  Peer& peer = client();
  peer.send(kGet);
  EXPECT_TRUE(until([&] { return peer.ended(); }));
  EXPECT_TRUE(peer.reset);
}

TEST_F(Clients, X3_a_chunked_answer_that_cannot_be_completed_gets_no_last_chunk) {
  way = Way::reset;
  chunked = true;
  Peer& peer = client();
  peer.send(kGet);
  EXPECT_TRUE(until([&] { return peer.ended(); }));
  EXPECT_TRUE(peer.got.ends_with("2\r\nok\r\n")) << peer.got;
}

TEST_F(Clients, P1_an_answer_of_the_proxys_own_at_shutdown_closes) {
  worker.shutting_down = true;
  refusal = OwnReply{503, "paused", "no\n"};
  Peer& peer = client();
  peer.send(kGet);
  EXPECT_TRUE(got(peer, "X-Sluice-Error: paused\r\n"));
  EXPECT_NE(peer.got.find("Connection: close\r\n"), peer.got.npos);
  EXPECT_TRUE(until([&] { return peer.eof; }));
}

TEST_F(Clients, X7_an_answer_of_the_proxys_own_says_why_and_when_to_come_back) {
  refusal = OwnReply{503, "overload", "busy\n"};
  Peer& peer = client();
  peer.send(kGet);
  EXPECT_TRUE(got(peer, "\r\n\r\nbusy\n"));
  EXPECT_TRUE(peer.got.starts_with("HTTP/1.1 503 "));
  EXPECT_NE(peer.got.find("X-Sluice-Error: overload\r\n"), peer.got.npos);
  EXPECT_NE(peer.got.find("Retry-After: 1\r\n"), peer.got.npos);
  refusal.reset();
  peer.send(kGet);
  EXPECT_TRUE(got(peer, "\r\n\r\nok")) << "the connection goes on";
}

TEST_F(Clients, a_tunnel_carries_first_what_came_behind_the_head) {
  way = Way::tunnel;
  Peer& peer = client();
  peer.send("GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nabc");
  ASSERT_TRUE(got(peer, "\r\n\r\nabc"));
  peer.send("def");
  ASSERT_TRUE(got(peer, "\r\n\r\nabcdef"));
  EXPECT_TRUE(peer.got.starts_with("HTTP/1.1 101 "));
  peer.finish();
  EXPECT_TRUE(until([&] { return seen[0].tunnel_end == StreamStatus::ended; }));
  EXPECT_TRUE(until([&] { return peer.eof; }));
}

TEST_F(Clients, a_connection_serves_so_many_requests) {
  info->spec.max_requests = 2;
  Peer& peer = client();
  peer.send(std::string(kGet) + std::string(kGet) + std::string(kGet));
  EXPECT_TRUE(until([&] { return peer.eof; }));
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_EQ(count(peer.got, "Connection: close"), 1u);
}

TEST_F(Clients, a_client_has_so_many_connections) {
  info->spec.max_connections_per_client = 1;
  info->clients = std::make_shared<observe::ClientTable>();
  Peer& first = client();
  Peer& second = client();
  EXPECT_TRUE(until([&] { return second.ended(); }));
  EXPECT_EQ(worker.counters.over_client_limit.get(), 1u);
  first.close();
  EXPECT_TRUE(until([&] { return !list.linked(); }));
  Peer& third = client();
  third.send(kGet);
  EXPECT_TRUE(got(third, "ok"));
}

TEST_F(Clients, a_trusted_peer_says_for_whom_each_request_is) {
  info->spec.trusted_proxies.push_back(*parse_network("127.0.0.1"));
  Peer& peer = client();
  peer.send("GET /a HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Proto: https\r\n\r\n");
  ASSERT_TRUE(got(peer, "ok"));
  peer.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(until([&] { return count(peer.got, "\r\n\r\nok") == 2; }));
  EXPECT_EQ(seen[0].address, "10.1.2.3");
  EXPECT_TRUE(seen[0].secure);
  EXPECT_EQ(seen[1].address, "127.0.0.1");
  EXPECT_FALSE(seen[1].secure);
}

// --- by a pipe

TEST_F(Clients, a_long_body_need_not_come_into_memory_and_what_follows_it_is_the_next_request) {
  pipes = true;
  const std::string body(300'000, 'u');
  Peer& peer = client();
  peer.send("PUT /long HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + body + std::string(kGet));
  ASSERT_TRUE(until([&] { return seen.size() == 2; }));
  EXPECT_EQ(seen[0].body, body);
  EXPECT_GT(seen[0].piped, 0);
  EXPECT_EQ(seen[1].path, "/a");
  EXPECT_TRUE(seen[1].body.empty());
  peer.send("PUT /chunk HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n" + body +
            "\r\n3\r\nabc\r\n0\r\nSum: 1\r\n\r\n" + std::string(kGet));
  ASSERT_TRUE(until([&] { return seen.size() == 4; }));
  EXPECT_EQ(seen[2].body, body + "abc");
  EXPECT_EQ(seen[2].trailers, "Sum=1;");
  EXPECT_GT(seen[2].piped, 0);
}

TEST_F(Clients, where_nobody_takes_a_pipe_it_does) {
  const std::string body(300'000, 'u');
  client().send("PUT /long HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + body);
  ASSERT_TRUE(until([&] { return seen.size() == 1 && seen[0].body.size() == body.size(); }));
  EXPECT_EQ(seen[0].piped, 0);
}

TEST_F(Clients, X4_a_chunk_that_passes_the_limit_is_too_large) {
  pipes = true;
  limit = 200'000;
  Peer& peer = client();
  peer.send("PUT /chunk HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n" +
            std::string(300'000, 'u'));
  EXPECT_TRUE(got(peer, "HTTP/1.1 400 "));
  EXPECT_EQ(seen[0].end, BodyPiece::Kind::too_large);
}

TEST_F(Clients, an_answer_by_pipes_is_as_one_from_memory) {
  pipes = true;
  answer_body = std::string(50'000, 'l') + std::string(50'000, 'm');
  Peer& peer = client();
  for (chunked = false;; chunked = true) {
    peer.got.clear();
    peer.send(kGet);
    const std::string half = chunked ? "\r\nc350\r\n" : "";
    const std::string wire = (chunked ? "\r\n\r\nc350\r\n" : "\r\n\r\n") + answer_body.substr(0, 50'000) +
                             half + answer_body.substr(50'000) + (chunked ? "\r\n0\r\n\r\n" : "");
    EXPECT_TRUE(until([&] { return peer.got.ends_with(wire); })) << peer.got.size();
    if (chunked) break;
  }
  EXPECT_EQ(seen.size(), 2u);
}

TEST_F(Clients, X4_a_client_that_reads_slowly_gets_its_piece_when_it_reads) {
  pipes = true;
  answer_body = std::string(200'000, 'l');
  Peer& peer = client();
  peer.reading = false;
  std::string asked;
  for (int i = 0; i < 40; ++i) asked += kGet;
  peer.send(asked);
  settle();
  EXPECT_LT(seen.size(), 40u);
  peer.reading = true;
  EXPECT_TRUE(until([&] { return seen.size() == 40 && peer.got.size() > 40 * answer_body.size(); }));
}

}  // namespace
}  // namespace sluice::client
