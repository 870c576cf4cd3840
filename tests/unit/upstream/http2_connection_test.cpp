// HTTP/2 connections to a backend: how many there are, who is let in when, and how they leave (D1, H4, X5).
#include "unit/upstream/http2_world.hpp"

namespace sluice::upstream {
namespace {

class Http2ConnectionTest : public Http2World {
 protected:
  Call& call() { return *calls.emplace_back(std::make_unique<Call>(*this, "GET", "/")); }
  // So many requests that are under way.
  void run(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      Call& one = call();
      one.open();
      one.send();
    }
  }
  // Begins to connect only.
  Call& begin() {
    Call& one = call();
    one.request = connector.open(target, false);
    if (!one.request->reused()) one.begin_connect();
    return one;
  }
  std::uint64_t connections() const { return live->per_worker[0].connections.get(); }
  void TearDown() override { calls.clear(); }

  std::vector<std::unique_ptr<Call>> calls;
};

TEST_F(Http2ConnectionTest, requests_that_come_at_once_wait_for_one_connection) {
  for (int i = 0; i < 40; ++i) begin();
  EXPECT_TRUE(until([&] {
    return std::all_of(calls.begin(), calls.end(),
                       [](const auto& one) { return one->connected.has_value(); });
  }));
  EXPECT_EQ(connections(), 1u);
  EXPECT_EQ(ends.size(), 1u);
}

TEST_F(Http2ConnectionTest, before_its_settings_a_connection_takes_one_request) {
  begin();
  begin();
  EXPECT_TRUE(until([&] { return calls[0]->connected.has_value(); }));
  EXPECT_FALSE(calls[1]->connected);
  EXPECT_TRUE(until([&] { return calls[1]->connected.has_value(); }));
  EXPECT_EQ(connections(), 1u);
}

TEST_F(Http2ConnectionTest, another_is_opened_when_all_are_above_half_of_what_they_may_take) {
  limits.max_streams = 10;
  run(5);
  EXPECT_EQ(connections(), 1u);
  run(1);
  EXPECT_EQ(connections(), 1u);
  run(1);
  settle();
  EXPECT_EQ(connections(), 2u) << "the first one has six";
  run(5);
  EXPECT_TRUE(until([&] { return ends[1]->session.streams() == 5; })) << "the least loaded is chosen";
}

// Their answers come at once then, too: a read and a write for all of them.
TEST_F(Http2ConnectionTest, requests_that_come_at_once_go_over_one_connection_up_to_its_half) {
  limits.max_streams = 100;
  run(52);
  EXPECT_TRUE(until([&] { return ends.size() == 2; }));
  calls.clear();
  const auto opened = [&](std::size_t n) { return (ends[n]->session.last_stream() + 1) / 2; };
  const auto together = [&] { return opened(0) + opened(1); };

  const auto first = opened(0), second = opened(1);
  const auto begin_at_once = [&](int count) {
    for (int i = 0; i < count; ++i) {
      Call& one = call();
      one.request = connector.open(target, false);
      one.begin();
    }
  };
  begin_at_once(20);
  EXPECT_TRUE(until([&] { return together() == first + second + 20; }));
  EXPECT_THAT(20, ::testing::AnyOf(opened(0) - first, opened(1) - second));
  settle();
  begin_at_once(20);
  EXPECT_TRUE(until([&] { return opened(0) == first + 20 && opened(1) == second + 20; }))
      << "the least loaded";
  settle();
  begin_at_once(50);
  EXPECT_TRUE(until([&] { return together() == first + second + 90; }));
  EXPECT_EQ(std::max(opened(0) - first, opened(1) - second), 51);
}

TEST_F(Http2ConnectionTest, who_finds_no_room_waits_for_it_in_order) {
  limits.max_streams = 1;
  run(Http2Pool::kMost);
  EXPECT_EQ(connections(), Http2Pool::kMost);
  Call& first = begin();
  Call& second = begin();
  settle();
  EXPECT_FALSE(first.connected);
  calls[0]->finish();
  EXPECT_TRUE(until([&] { return first.connected.has_value() || second.connected.has_value(); }));
  EXPECT_EQ(first.connected, Connected::ok);
  EXPECT_FALSE(second.connected);
  EXPECT_EQ(connections(), Http2Pool::kMost);
  second.request->cancel();
  EXPECT_TRUE(until([&] { return second.connected == Connected::canceled; }));
}

TEST_F(Http2ConnectionTest, X4_one_whose_backend_takes_nothing_lets_no_more_in) {
  run(1);
  origin[0].reading = false;
  const std::string large(60'000, 'l');
  std::unique_ptr<Call> call;
  for (int i = 0; i < 1000; ++i) {  // that are taken back; the kernel's buffers are filled first
    call = std::make_unique<Call>(*this, "GET", "/");
    call->head.fields.push("x-large", large);
    call->request = connector.open(target, false);
    if (!call->request->reused()) call->begin_connect();
    settle();
    if (!call->request->reused() && !call->connected) break;
    call->begin();
    settle();
  }
  ASSERT_FALSE(call->request->reused());
  EXPECT_FALSE(call->connected);
  origin[0].reading = true;
  EXPECT_TRUE(until([&] { return call->connected == Connected::ok; }));
}

TEST_F(Http2ConnectionTest, X5_who_waits_for_room_has_the_time_to_connect) {
  limits.max_streams = 1;
  run(Http2Pool::kMost);
  Call& late = begin();
  settle();
  EXPECT_FALSE(late.connected);
  skipped += timeouts.connect + 1s;
  EXPECT_TRUE(until([&] { return late.connected.has_value(); }));
  EXPECT_EQ(late.connected, Connected::failed);
  EXPECT_EQ(late.request->phase(), Phase::connecting);
}

TEST_F(Http2ConnectionTest, a_lowered_limit_is_for_new_streams) {
  run(3);
  end(0, 5).set_limit(2);
  settle();
  Call& next = begin();
  settle();
  EXPECT_EQ(connections(), 2u);
  EXPECT_TRUE(until([&] { return next.connected.has_value(); }));
  for (h2::StreamId id : {1, 3, 5}) ends[0]->answer(id);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(calls[static_cast<std::size_t>(i)]->receive(), "200:ok! ");
}

// Node refuses streams when its memory for a session is used up.
TEST_F(Http2ConnectionTest, R3_a_backend_that_refuses_streams_gets_no_more_than_it_kept) {
  run(4);
  end(0, 7).reset(5, h2::ErrorCode::refused_stream);
  ends[0]->reset(7, h2::ErrorCode::enhance_your_calm);
  for (const std::size_t refused : {2, 3}) {
    calls[refused]->receive();
    EXPECT_EQ(calls[refused]->received, StreamStatus::reset);
    calls[refused]->finish();
  }
  Call& next = begin();
  settle();
  EXPECT_EQ(connections(), 2u) << "the first one is full with two";
  EXPECT_TRUE(until([&] { return next.connected.has_value(); }));
  EXPECT_EQ(next.connected, Connected::ok);
}

TEST(StreamLimitTest, R3_it_falls_at_once_and_rises_slowly) {
  StreamLimit limit;
  const std::size_t none = limit.most();
  limit.ended_well();
  EXPECT_EQ(limit.most(), none);
  limit.refused(3);
  EXPECT_EQ(limit.most(), 3u);
  limit.refused(5);
  EXPECT_EQ(limit.most(), 3u);
  for (int i = 0; i < 3; ++i) limit.ended_well();
  EXPECT_EQ(limit.most(), 4u);
  for (int i = 0; i < 3; ++i) limit.ended_well();
  EXPECT_EQ(limit.most(), 4u);
  limit.refused(0);
  EXPECT_EQ(limit.most(), 4u);
}

TEST_F(Http2ConnectionTest, who_waits_for_a_connection_that_leaves_looks_elsewhere) {
  limits.max_streams = 1;
  run(Http2Pool::kMost);
  Call& waiting = begin();
  settle();
  EXPECT_FALSE(waiting.connected);
  for (auto& one : ends) one->go_away(1);
  EXPECT_TRUE(until([&] { return waiting.connected.has_value(); }));
  EXPECT_EQ(waiting.connected, Connected::ok);
  EXPECT_EQ(ends.size(), Http2Pool::kMost + 1);
}

TEST_F(Http2ConnectionTest, no_connection_can_be_made) {
  origin.stop();
  Call& one = begin();
  Call& other = begin();
  EXPECT_TRUE(until([&] { return one.connected && other.connected; }));
  EXPECT_EQ(one.connected, Connected::failed);
  EXPECT_EQ(other.connected, Connected::failed);
  EXPECT_EQ(connections(), 0u);
}

TEST_F(Http2ConnectionTest, a_fresh_one_is_made_when_it_is_asked_for) {
  run(1);
  Call& fresh = call();
  fresh.open(true);
  EXPECT_FALSE(fresh.request->reused());
  EXPECT_EQ(connections(), 2u);
}

TEST_F(Http2ConnectionTest, D1_idle_ones_close_and_those_with_requests_after_the_last) {
  run(2);
  backend.close_idle();
  settle();
  EXPECT_EQ(connections(), 1u);
  end(0, 3).answer(1);
  EXPECT_EQ(calls[0]->receive(), "200:ok! ");
  run(1);
  EXPECT_EQ(connections(), 2u) << "nothing new on the one that leaves";
  ends[0]->answer(3);
  EXPECT_EQ(calls[1]->receive(), "200:ok! ");
  calls[0]->finish();
  EXPECT_FALSE(origin[0].eof);
  calls[1]->finish();
  EXPECT_TRUE(until([&] { return origin[0].eof; }));
  EXPECT_EQ(ends[0]->goaway, h2::ErrorCode::no_error);
  calls[2]->finish();
  settle();
  backend.close_idle();
  EXPECT_TRUE(until([&] { return origin[1].eof; }));
}

TEST_F(Http2ConnectionTest, D1_one_that_connects_lets_in_who_waits_and_then_leaves) {
  Call& one = begin();
  backend.close_idle();
  EXPECT_TRUE(until([&] { return one.connected.has_value(); }));
  EXPECT_EQ(one.connected, Connected::ok);
  one.send();
  end(0, 1).answer(1);
  EXPECT_EQ(one.receive(), "200:ok! ");
  one.finish();
  EXPECT_TRUE(until([&] { return origin[0].eof; }));
}

TEST_F(Http2ConnectionTest, D1_a_backend_that_drains_keeps_none) {
  live->admin = observe::Admin::draining;
  run(1);
  calls[0]->finish();
  EXPECT_TRUE(until([&] { return connections() == 0; }));
}

TEST_F(Http2ConnectionTest, H4_a_connection_to_another_address_leaves) {
  backend.set_endpoints(to.endpoints);
  run(1);
  backend.set_endpoints(to.endpoints);
  settle();
  EXPECT_EQ(backend.http2().taking(), 1u);
  auto others = to.endpoints;
  ++others[0].port;
  backend.set_endpoints(others);
  EXPECT_EQ(backend.http2().taking(), 0u);
  calls[0]->finish();
  EXPECT_TRUE(until([&] { return connections() == 0; }));
}

TEST_F(Http2ConnectionTest, X5_an_idle_one_is_asked_every_30_seconds_and_closes_after_its_time) {
  timeouts.idle = 70s;
  run(1);
  end(0, 1).answer(1);
  calls[0]->receive();
  calls[0]->finish();
  settle();
  for (int i = 0; i < 2; ++i) {
    skipped += 31s;
    settle();
    EXPECT_EQ(connections(), 1u);
  }
  skipped += 31s;
  EXPECT_TRUE(until([&] { return origin[0].eof; }));
  EXPECT_EQ(ends[0]->goaway, h2::ErrorCode::no_error);
}

TEST_F(Http2ConnectionTest, a_request_that_comes_while_it_is_idle_has_its_whole_time) {
  run(1);
  end(0, 1).answer(1);
  calls[0]->receive();
  calls[0]->finish();
  settle();
  skipped += 3s;
  settle();
  run(1);
  end(0, 3);
  for (int i = 0; i < 3; ++i) {
    skipped += 3s;
    settle();
  }
  ends[0]->answer(3);
  EXPECT_EQ(calls[1]->receive(), "200:ok! ");
}

TEST_F(Http2ConnectionTest, X5_one_that_does_not_answer_in_10_seconds_is_lost) {
  timeouts.idle = 10min;
  run(1);
  end(0, 1).answer(1);
  calls[0]->receive();
  calls[0]->finish();
  settle();
  ends[0]->deaf = true;
  skipped += 31s;
  settle();
  EXPECT_EQ(connections(), 1u);
  Call& late = call();
  late.open();
  late.send();
  late.begin_receive();
  skipped += 11s;
  EXPECT_TRUE(until([&] { return late.received.has_value(); }));
  EXPECT_EQ(late.received, StreamStatus::reset);
  calls.clear();
  EXPECT_TRUE(until([&] { return connections() == 0; }));
}

TEST_F(Http2ConnectionTest, X5_a_request_without_an_answer_makes_its_connection_be_asked) {
  run(1);
  end(0, 1).deaf = true;
  calls[0]->begin_receive();
  settle();
  skipped += timeouts.response + 1s;
  EXPECT_TRUE(until([&] { return calls[0]->received.has_value(); }));
  EXPECT_EQ(calls[0]->received, StreamStatus::timed_out);
  calls[0]->finish();
  skipped += 11s;
  EXPECT_TRUE(until([&] { return connections() == 0; }));
}

TEST_F(Http2ConnectionTest, GOAWAY_with_an_error_ends_what_it_does_not_take) {
  run(2);
  end(0, 3).go_away(1, h2::ErrorCode::internal_error);
  calls[1]->receive();
  EXPECT_EQ(calls[1]->received, StreamStatus::reset);
  EXPECT_EQ(calls[1]->request->phase(), Phase::connecting);
  origin[0].finish();
  calls[0]->receive();
  EXPECT_EQ(calls[0]->received, StreamStatus::reset);
  EXPECT_EQ(calls[0]->request->phase(), Phase::sent);
}

TEST_F(Http2ConnectionTest, ids_that_run_out_end_a_connection) {
  h2::Limits few;
  few.last_request = 3;
  h2::Session session(h2::Role::client, few);
  h2::FieldList list;
  for (const auto& [name, value] : {std::pair<std::string_view, std::string_view>{":method", "GET"},
                                    {":scheme", "http"},
                                    {":authority", "a"},
                                    {":path", "/"}})
    list.field(name, value);
  EXPECT_EQ(session.open(list, true, nullptr), 1);
  EXPECT_FALSE(session.spent());
  session.forget(1);
  Buffer out;
  session.produce(out, 65536);
  EXPECT_EQ(session.open(list, true, nullptr), 3);
  EXPECT_TRUE(session.spent());
  EXPECT_EQ(session.room(), 0u);
}

class Http2TunnelTest : public Http2World {
 protected:
  Http2TunnelTest() {
    call->head.upgrade = "websocket";
    call->head.fields.push("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");  // of RFC 6455 1.3
  }
  void TearDown() override { call.reset(); }
  void open() {
    call->open();
    call->send();
    end(0, 1).head(1, 200);
    EXPECT_EQ(call->receive(), "tunnel");
    call->events.clear();
  }

  std::unique_ptr<Call> call = std::make_unique<Call>(*this, "GET", "/chat");
};

TEST_F(Http2TunnelTest, a_websocket_is_an_extended_connect_and_a_2xx_its_101) {
  open();
  EXPECT_THAT(ends[0]->streams[1].head,
              ::testing::StartsWith(":method=CONNECT :protocol=websocket :scheme=http "
                                    ":authority=api.example :path=/chat "));
  EXPECT_THAT(ends[0]->streams[1].head, ::testing::Not(::testing::HasSubstr("sec-websocket-key")));
  const http::ResponseHead& answer = call->request->answer();
  EXPECT_EQ(answer.status, 101);
  EXPECT_TRUE(answer.upgrade);
  ASSERT_NE(answer.fields.find("sec-websocket-accept"), nullptr);
  EXPECT_EQ(answer.fields.find("sec-websocket-accept")->value, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_F(Http2TunnelTest, bytes_go_both_ways_and_each_way_ends_by_itself) {
  open();
  spawn(call->run_write_tunnel("up"));
  EXPECT_TRUE(until([&] { return ends[0]->streams[1].body == "up"; }));
  EXPECT_EQ(call->sent, StreamStatus::ok);
  call->received.reset();
  spawn(call->run_read_tunnel());
  ends[0]->data(1, "down");
  EXPECT_TRUE(until([&] { return call->received.has_value(); }));
  EXPECT_EQ(call->events, "down");
  call->request->end_tunnel();
  EXPECT_TRUE(until([&] { return ends[0]->streams[1].ended; }));
  ends[0]->data(1, {}, true);
  call->received.reset();
  spawn(call->run_read_tunnel());
  EXPECT_TRUE(until([&] { return call->received.has_value(); }));
  EXPECT_EQ(call->received, StreamStatus::ended);
}

TEST_F(Http2TunnelTest, a_side_that_stalls_or_is_lost_ends_it) {
  open();
  ends[0]->credits = false;
  const std::string much(200'000, 'u');
  call->sent.reset();
  spawn(call->run_write_tunnel(much));
  settle();
  EXPECT_FALSE(call->sent);
  skipped += 61s;  // some of it went after the limit was set: that was progress
  settle();
  skipped += 61s;
  EXPECT_TRUE(until([&] { return call->sent.has_value(); }));
  EXPECT_EQ(call->sent, StreamStatus::timed_out);
  call->received.reset();
  spawn(call->run_read_tunnel());
  EXPECT_TRUE(until([&] { return call->received.has_value(); }));
  EXPECT_EQ(call->received, StreamStatus::reset);
}

TEST_F(Http2TunnelTest, X5_a_tunnel_that_is_not_answered_times_out) {
  call->open();
  call->send();
  call->begin_receive();
  settle();
  skipped += timeouts.response + 1s;
  EXPECT_TRUE(until([&] { return call->received.has_value(); }));
  EXPECT_EQ(call->received, StreamStatus::timed_out);
}

TEST_F(Http2TunnelTest, a_refusal_is_an_answer) {
  call->open();
  call->send();
  end(0, 1).head(1, 403);
  ends[0]->data(1, "no", true);
  EXPECT_EQ(call->receive(), "403:no! ");
}

// Other requests are made in the room that the flags' text lies in.
TEST_F(Http2TunnelTest, an_opening_that_waits_for_settings_keeps_its_flags) {
  std::string flags = "beta=on,dark=off,new-cart=on";
  call->request = connector.open(target, false);
  call->begin_connect();
  EXPECT_TRUE(until([&] { return call->connected.has_value(); }));
  forward.feature_flags = flags;
  call->begin();
  EXPECT_FALSE(call->sent) << "it waits for SETTINGS";
  std::fill(flags.begin(), flags.end(), '?');
  EXPECT_THAT(end(0, 1).streams[1].head,
              ::testing::HasSubstr("x-feature-flags=beta=on,dark=off,new-cart=on "));
}

TEST_F(Http2TunnelTest, a_backend_that_opens_none_is_not_asked) {
  tunnels = false;
  call->open();
  call->send();
  EXPECT_EQ(call->receive(), "no tunnel");
  settle();
  EXPECT_TRUE(ends[0]->streams.empty() || ends[0]->streams[1].head.empty());
}

}  // namespace
}  // namespace sluice::upstream
