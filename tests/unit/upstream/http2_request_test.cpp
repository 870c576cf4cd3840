// A request to a backend over HTTP/2: what goes out, which events the answer makes, what is limited when, and
// what a failure means for another try.
#include "unit/upstream/http2_world.hpp"

namespace sluice::upstream {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Http2RequestTest = Http2World;

TEST_F(Http2RequestTest, a_request_and_its_answer_and_the_next_one_on_the_same_connection) {
  Call call(*this, "GET", "/a?b");
  call.open();
  EXPECT_FALSE(call.request->reused());
  EXPECT_EQ(call.request->phase(), Phase::connecting);
  call.send();
  EXPECT_EQ(call.request->phase(), Phase::sent);
  EXPECT_THAT(end(0, 1).streams[1].head,
              StartsWith(":method=GET :scheme=http :authority=api.example :path=/a?b "));
  EXPECT_THAT(ends[0]->streams[1].head, Not(HasSubstr("x-sluice-mirror")));
  EXPECT_TRUE(ends[0]->streams[1].ended);
  EXPECT_EQ(streams(), 1u);
  ends[0]->answer(1);
  EXPECT_EQ(call.receive(), "200:ok! ");
  EXPECT_EQ(call.request->phase(), Phase::answered);
  call.finish();
  EXPECT_EQ(streams(), 0u);

  Call next(*this, "GET", "/b");
  next.open();
  EXPECT_TRUE(next.request->reused());
  next.send();
  end(0, 3).answer(3, "again");
  EXPECT_EQ(next.receive(), "200:again! ");
  EXPECT_EQ(ends.size(), 1u);
  EXPECT_FALSE(ends[0]->streams[3].reset);
}

TEST_F(Http2RequestTest, interim_answers_come_before_the_head_and_trailers_behind_the_body) {
  Call call(*this, "GET", "/");
  call.open();
  call.send();
  Http2Peer& peer = end(0, 1);
  peer.interim(1, 103);
  peer.interim(1, 102);
  peer.head(1, 200);
  peer.data(1, "abc");
  peer.trailers(1, {{"checksum", "1"}, {"content-length", "7"}});
  EXPECT_EQ(call.receive(), "103 102 200:abc end checksum=1");
}

TEST_F(Http2RequestTest, an_interim_answer_is_told_when_it_comes) {
  Call call(*this, "GET", "/");
  call.open();
  call.send();
  call.begin_receive();
  end(0, 1).interim(1, 103);
  EXPECT_TRUE(until([&] { return call.events == "103 "; }));
  ends[0]->answer(1);
  EXPECT_TRUE(until([&] { return call.received.has_value(); }));
  EXPECT_EQ(call.events, "103 200:ok! ");
}

TEST_F(Http2RequestTest, X4_a_flood_of_interim_answers_is_no_answer) {
  Call call(*this, "GET", "/");
  call.open();
  call.send();
  for (int i = 0; i < 40; ++i) end(0, 1).interim(1, 103);
  settle();
  EXPECT_THAT(call.receive(), HasSubstr("malformed"));
  EXPECT_TRUE(until([&] { return ends[0]->streams[1].reset == h2::ErrorCode::protocol_error; }));
}

TEST_F(Http2RequestTest, an_answer_without_a_body_ends_with_its_head) {
  for (const int status : {200, 204, 304}) {
    Call call(*this, status == 200 ? "HEAD" : "GET", "/");
    call.open();
    call.send();
    const h2::StreamId id = status == 200 ? 1 : status == 204 ? 3 : 5;
    end(0, id).head(id, status, true,
                    status == 200 ? Http2Peer::Fields{{"content-length", "20"}} : Http2Peer::Fields{});
    EXPECT_EQ(call.receive(), std::to_string(status) + ":end");
    EXPECT_EQ(call.request->answer().body, http::BodyLength::none);
  }
}

TEST_F(Http2RequestTest, an_answer_of_a_head_alone_is_known_to_have_no_body) {
  Call call(*this, "POST", "/");
  call.open();
  call.send();
  end(0, 1).head(1, 200, true, {{"grpc-status", "12"}});
  EXPECT_EQ(call.receive(), "200:end");
  EXPECT_EQ(call.request->answer().body, http::BodyLength::known);
  EXPECT_EQ(call.request->answer().content_length, 0u);
}

TEST_F(Http2RequestTest, trailers_that_came_with_the_head_are_there_with_it) {
  for (const bool has_body : {false, true}) {
    Call call(*this, "GET", "/");
    call.open();
    call.send();
    const h2::StreamId stream = has_body ? 3 : 1;
    Http2Peer& peer = end(0, stream);
    peer.head(stream, 200);
    if (has_body) peer.data(stream, "abc");
    peer.trailers(stream, {{"grpc-status", "14"}});
    EXPECT_TRUE(until([&] { return !call.request->trailers().empty(); }));
    ASSERT_EQ(call.request->next().kind, AnswerEvent::Kind::head);
    EXPECT_EQ(call.request->ended_with_head(), !has_body);
    ASSERT_EQ(call.request->trailers().size(), 1u);
    EXPECT_EQ(call.request->trailers()[0].value, "14");
    if (has_body) {
      EXPECT_EQ(call.request->next().data, "abc");
    }
    EXPECT_EQ(call.request->next().kind, AnswerEvent::Kind::end);
  }
}

TEST_F(Http2RequestTest, a_whole_body_goes_with_its_length_and_pieces_as_they_come_and_trailers) {
  Call call(*this, "PUT", "/");
  const std::string body(40'000, 'b');
  call.head.body = http::BodyLength::known;
  call.head.content_length = body.size();
  call.open();
  call.send(body);
  EXPECT_TRUE(until([&] { return end(0, 1).streams[1].ended; }));
  EXPECT_EQ(ends[0]->streams[1].body, body);
  EXPECT_THAT(ends[0]->streams[1].head, HasSubstr("content-length=40000 "));
  ends[0]->answer(1);
  EXPECT_EQ(call.receive(), "200:ok! ");

  Call pieces(*this, "PUT", "/");
  pieces.head.body = http::BodyLength::unknown;
  pieces.open();
  pieces.send({}, false);
  EXPECT_FALSE(end(0, 3).streams[3].ended);
  pieces.send_piece("abc", false);
  pieces.send_piece("de", false);
  const http::Field trailer{"Checksum", "1"};
  pieces.send_piece({}, true, {&trailer, 1});
  EXPECT_TRUE(until([&] { return ends[0]->streams[3].ended; }));
  EXPECT_EQ(ends[0]->streams[3].body, "abcde");
  EXPECT_EQ(ends[0]->streams[3].trailers, "checksum=1 ");
}

TEST_F(Http2RequestTest, M1_a_copy_says_that_it_is_one) {
  forward.mirror = true;
  Call call(*this, "GET", "/");
  call.open();
  call.send();
  EXPECT_THAT(end(0, 1).streams[1].head, HasSubstr("x-sluice-mirror=1 "));
}

TEST_F(Http2RequestTest, X4_credit_is_given_back_only_when_a_piece_has_gone_on) {
  Call call(*this, "GET", "/");
  call.open();
  call.send();
  const std::string body(200'000, 'b');
  Http2Peer& peer = end(0, 1);
  peer.head(1, 200);
  peer.data(1, body, true);
  settle();
  EXPECT_GE(peer.session.unsent(1), body.size() - 65'536) << "more than a window came";
  call.begin_receive();
  EXPECT_TRUE(until([&] { return call.received.has_value(); }));
  EXPECT_EQ(call.events.size() - std::count(call.events.begin(), call.events.end(), ' '),
            body.size() + 5);  // "200:" and "!"
}

TEST_F(Http2RequestTest, X4_a_stalled_stream_leaves_the_others_alone) {
  Call stalled(*this, "GET", "/stalled"), other(*this, "GET", "/other");
  stalled.open();
  stalled.send();
  Http2Peer& peer = end(0, 1);
  peer.head(1, 200);
  peer.data(1, std::string(200'000, 'b'));
  other.open();
  other.send();
  const std::string body(300'000, 'c');
  end(0, 3).head(3, 200);
  peer.data(3, body, true);
  EXPECT_GT(other.receive().size(), body.size());
}

TEST_F(Http2RequestTest, an_early_answer_is_one_although_the_rest_of_the_request_is_not_wanted) {
  Call call(*this, "POST", "/");
  call.head.body = http::BodyLength::unknown;
  call.open();
  call.send({}, false);
  Http2Peer& peer = end(0, 1);
  peer.credits = false;
  const std::string piece(200'000, 'b');
  call.begin_piece(piece, false);
  settle();
  EXPECT_FALSE(call.sent) << "beyond its window";
  peer.answer(1, "early");
  peer.reset(1, h2::ErrorCode::no_error);
  EXPECT_TRUE(until([&] { return call.sent.has_value(); }));
  EXPECT_EQ(call.sent, StreamStatus::reset) << "no further piece is needed";
  EXPECT_EQ(call.receive(), "200:early! ");
}

TEST_F(Http2RequestTest, an_early_answer_to_a_body_that_is_sent_whole_is_seen_by_what_arrives) {
  Call call(*this, "POST", "/");
  const std::string body(200'000, 'b');
  call.head.body = http::BodyLength::known;
  call.head.content_length = body.size();
  call.open();
  call.begin(body);
  Http2Peer& peer = end(0, 1);
  peer.credits = false;
  peer.answer(1, "early");
  peer.reset(1, h2::ErrorCode::no_error);
  EXPECT_TRUE(until([&] { return call.sent.has_value(); }));
  EXPECT_EQ(call.sent, StreamStatus::ok);
  EXPECT_EQ(call.receive(), "200:early! ");
}

TEST_F(Http2RequestTest, a_reset_before_the_answer_or_in_its_midst_fails_the_request) {
  Call before(*this, "GET", "/");
  before.open();
  before.send();
  end(0, 1).reset(1, h2::ErrorCode::internal_error);
  EXPECT_EQ(before.receive(), "");
  EXPECT_EQ(before.received, StreamStatus::reset);
  EXPECT_EQ(before.request->phase(), Phase::sent);
  Call amidst(*this, "GET", "/");
  amidst.open();
  EXPECT_TRUE(amidst.request->reused());
  amidst.send();
  end(0, 3).head(3, 200);
  ends[0]->data(3, "part");
  ends[0]->reset(3, h2::ErrorCode::no_error);
  EXPECT_EQ(amidst.receive(), "200:part ");
  EXPECT_EQ(amidst.received, StreamStatus::reset);
  EXPECT_FALSE(amidst.request->reused()) << "the connection had not died unseen";
}

TEST_F(Http2RequestTest, R3_what_was_refused_or_lies_above_goaway_may_be_sent_again) {
  Call refused(*this, "POST", "/");
  refused.open();
  refused.send();
  end(0, 1).reset(1, h2::ErrorCode::refused_stream);
  refused.receive();
  EXPECT_EQ(refused.received, StreamStatus::reset);
  EXPECT_EQ(refused.request->phase(), Phase::connecting);
  EXPECT_EQ(live->per_worker[0].streams_refused.get(), 1u);

  Call below(*this, "POST", "/"), above(*this, "POST", "/");
  below.open();
  below.send();
  above.open();
  above.send();
  end(0, 5).go_away(3);
  above.receive();
  EXPECT_EQ(above.received, StreamStatus::reset);
  EXPECT_EQ(above.request->phase(), Phase::connecting);
  ends[0]->answer(3);
  EXPECT_EQ(below.receive(), "200:ok! ") << "what the backend takes goes on";
  below.finish();
  above.finish();
  refused.finish();
  EXPECT_TRUE(until([&] { return origin[0].eof; })) << "then the connection closes";
  Call after(*this, "GET", "/");
  after.open();
  after.send();
  end(1, 1).answer(1);
  EXPECT_EQ(after.receive(), "200:ok! ");
}

TEST_F(Http2RequestTest, R3_a_connection_that_was_dead_before_anything_was_written) {
  Call first(*this, "GET", "/");
  first.open();
  first.send();
  end(0, 1).answer(1);
  first.receive();
  first.finish();
  origin[0].abort();
  Call call(*this, "POST", "/");
  call.open();
  call.begin();
  call.receive();
  EXPECT_EQ(call.received, StreamStatus::reset);
  EXPECT_EQ(call.request->phase(), Phase::connecting);
}

TEST_F(Http2RequestTest, R1_a_connection_that_dies_with_requests_on_it) {
  Call fresh(*this, "GET", "/"), answered(*this, "GET", "/");
  fresh.open();
  fresh.send();
  end(0, 1);
  settle();
  answered.open();
  answered.send();
  end(0, 3).head(3, 200);
  settle();
  origin[0].abort();
  fresh.receive();
  EXPECT_EQ(fresh.received, StreamStatus::reset);
  EXPECT_EQ(fresh.request->phase(), Phase::sent);
  EXPECT_FALSE(fresh.request->reused());
  EXPECT_EQ(answered.receive(), "200:");
  EXPECT_EQ(answered.received, StreamStatus::reset);
  EXPECT_EQ(answered.request->phase(), Phase::answered);
  EXPECT_TRUE(answered.request->reused()) << "it was there before this request";
}

TEST_F(Http2RequestTest, X3_a_malformed_answer_fails_it_and_a_broken_connection_all_on_it) {
  Call call(*this, "GET", "/"), other(*this, "GET", "/");
  call.open();
  call.send();
  other.open();
  other.send();
  end(0, 3).head(1, 200, false, {{"connection", "close"}});
  EXPECT_EQ(call.receive(), "malformed");
  EXPECT_TRUE(until([&] { return ends[0]->streams[1].reset == h2::ErrorCode::protocol_error; }));
  ends[0]->raw(0, 5, "data on a stream that nobody opened");
  EXPECT_EQ(other.receive(), "malformed");
  EXPECT_TRUE(until([&] { return ends[0]->goaway == h2::ErrorCode::protocol_error; }));
}

TEST_F(Http2RequestTest, X3_a_body_that_is_not_as_long_as_announced) {
  Call call(*this, "GET", "/");
  call.open();
  call.send();
  end(0, 1).head(1, 200, false, {{"content-length", "3"}});
  ends[0]->data(1, "four", true);
  EXPECT_EQ(call.receive(), "200:malformed");
}

TEST_F(Http2RequestTest, X5_an_answer_has_its_time_from_the_requests_end_on) {
  Call call(*this, "PUT", "/");
  call.head.body = http::BodyLength::unknown;
  call.open();
  call.send({}, false);
  call.begin_receive();
  skipped += timeouts.response * 2;
  settle();
  EXPECT_FALSE(call.received) << "the client's time, not the backend's";
  call.send_piece({}, true);
  settle();
  EXPECT_FALSE(call.received);
  skipped += timeouts.response + 1s;
  EXPECT_TRUE(until([&] { return call.received.has_value(); }));
  EXPECT_EQ(call.received, StreamStatus::timed_out);
  call.finish();
  EXPECT_TRUE(until([&] { return ends[0]->streams[1].reset == h2::ErrorCode::cancel; }));
}

TEST_F(Http2RequestTest, X5_a_backend_that_takes_nothing_has_the_same_time_and_one_that_moves_has_more) {
  Call call(*this, "PUT", "/");
  call.head.body = http::BodyLength::unknown;
  call.open();
  call.send({}, false);
  Http2Peer& peer = end(0, 1);
  peer.credits = false;
  const std::string body(200'000, 'b');
  call.begin_piece(body, false);
  call.begin_receive();
  settle();
  skipped += timeouts.response - 1s;
  settle();
  peer.session.consumed(1, 65'536);
  peer.flush();
  settle();
  skipped += timeouts.response - 1s;
  settle();
  EXPECT_FALSE(call.sent) << "it moved";
  skipped += timeouts.response + 1s;
  EXPECT_TRUE(until([&] { return call.sent && call.received; }));
  EXPECT_EQ(call.sent, StreamStatus::timed_out);
  EXPECT_EQ(call.received, StreamStatus::timed_out);
  EXPECT_TRUE(until([&] { return peer.streams[1].reset == h2::ErrorCode::cancel; }));
}

TEST_F(Http2RequestTest, what_is_canceled_ends_so_at_every_step) {
  Call connecting(*this, "GET", "/");
  connecting.request = connector.open(target, false);
  connecting.begin_connect();
  connecting.request->cancel();
  EXPECT_TRUE(until([&] { return connecting.connected.has_value(); }));
  EXPECT_EQ(connecting.connected, Connected::canceled);
  connecting.finish();

  Call sending(*this, "PUT", "/");
  sending.head.body = http::BodyLength::unknown;
  sending.open();
  sending.send({}, false);
  end(0, 1).credits = false;
  const std::string piece(200'000, 'b');
  sending.begin_piece(piece, false);
  settle();
  sending.request->cancel();
  EXPECT_TRUE(until([&] { return sending.sent.has_value(); }));
  EXPECT_EQ(sending.sent, StreamStatus::canceled);

  Call receiving(*this, "GET", "/");
  receiving.open();
  receiving.send();
  receiving.begin_receive();
  settle();
  receiving.request->cancel();
  EXPECT_TRUE(until([&] { return receiving.received.has_value(); }));
  EXPECT_EQ(receiving.received, StreamStatus::canceled);
  receiving.finish();
  EXPECT_TRUE(until([&] { return ends[0]->streams[3].reset == h2::ErrorCode::cancel; }));
}

TEST_F(Http2RequestTest, R4_a_login_lets_nobody_else_onto_its_connection) {
  Call login(*this, "GET", "/");
  login.head.login = true;
  login.open();
  login.send();
  Call other(*this, "GET", "/");
  other.open();
  other.send();
  end(1, 1).answer(1);
  EXPECT_EQ(other.receive(), "200:ok! ");
  ends[0]->answer(1);
  EXPECT_EQ(login.receive(), "200:ok! ") << "and is answered";
}

}  // namespace
}  // namespace sluice::upstream
