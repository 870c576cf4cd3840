// Bodies in pieces, and clients that leave: what becomes of the request, the answer, the backend's connection
// and the counters (X4, X5, X6, R1).
#include "stage.hpp"

namespace sluice::exchange {
namespace {

class Streaming : public OneBackend {
 protected:
  // A client whose upload has begun: "abc" has gone on.
  ManualClient& uploading() {
    ManualClient& client = ask(upload(1000));
    client.send("abc");
    rounds();
    EXPECT_THAT(side(0).got(), EndsWith("\r\n\r\nabc"));
    return client;
  }
  bool let_go() { return side(0).ended && !side(0).kept; }
};

TEST_F(Streaming, X6_requests_one_after_the_other_go_over_one_backend_connection) {
  for (std::size_t i = 0; i < 3; ++i) {
    const ManualClient& client = get("/a");
    EXPECT_EQ(side(i).reused, i > 0);
    answer(i);
    EXPECT_TRUE(served(client));
  }
  EXPECT_EQ(counters(0).requests.get(), 3u);
  EXPECT_EQ(counters(0).by_class[2].get(), 3u);
}

TEST_F(Streaming, X4_a_body_goes_on_piece_by_piece_and_is_answered_when_it_has_gone) {
  ManualClient& client = uploading();
  client.send("def");
  rounds();
  EXPECT_THAT(side(0).got(), EndsWith("\r\n\r\nabcdef"));
  skip(120s);
  EXPECT_FALSE(client.over) << "the backend's time has not begun";
  client.end_body();
  rounds();
  answer(0);
  EXPECT_TRUE(served(client));
  EXPECT_TRUE(side(0).kept);
}

TEST_F(Streaming, what_has_come_of_a_body_goes_with_the_head) {
  Ask asked = upload(6);
  asked.body = "abc";
  ManualClient& client = ask(asked);
  EXPECT_THAT(side(0).got(), EndsWith("\r\n\r\nabc"));
  client.send("def");
  client.end_body();
  rounds();
  EXPECT_THAT(side(0).got(), EndsWith("\r\n\r\nabcdef"));
  answer(0);
  EXPECT_TRUE(served(client));
}

TEST_F(Streaming, X5_a_client_that_never_reads_is_left_after_its_time) {
  ManualClient& client = get("/a");
  client.stop_reading();
  side(0).begin_answer();
  side(0).piece("much");
  rounds();
  EXPECT_FALSE(client.over);
  skip(ManualClient::kBodyTimeout + 1s);
  EXPECT_TRUE(client.over && client.was_reset);
  EXPECT_TRUE(let_go()) << "the backend is let go, too";
  EXPECT_EQ(counters(0).aborted.get(), 1u);
}

TEST_F(Streaming, X4_a_client_that_does_not_read_gets_no_further_piece_until_it_does) {
  ManualClient& client = get("/a");
  client.stop_reading();
  side(0).begin_answer();
  side(0).piece("one ");
  side(0).piece("two", true);
  rounds();
  EXPECT_EQ(client.got(), "");
  client.read_again();
  rounds();
  EXPECT_EQ(client.got(), "one two");
  EXPECT_TRUE(client.over && client.complete);
}

TEST_F(Streaming, R1_a_backend_that_dies_during_an_upload_is_502_for_the_client) {
  const ManualClient& client = uploading();
  side(0).abort();
  rounds();
  EXPECT_EQ(client.status(), 502);
  EXPECT_EQ(counters(0).aborted.get(), 0u);
  EXPECT_EQ(counters(0).errors.get(), 1u);
}

TEST_F(Streaming, X6_an_answer_given_before_the_body_has_come_reaches_the_client) {
  const ManualClient& client = uploading();
  answer(0, 413, "big");
  EXPECT_EQ(client.status(), 413);
  EXPECT_EQ(client.got(), "big");
  EXPECT_TRUE(client.over && client.complete && !client.was_reset);
  EXPECT_TRUE(let_go());
  EXPECT_EQ(counters(0).aborted.get(), 0u);
}

TEST_F(Streaming, X6_nothing_more_of_the_body_goes_on_once_the_answer_has_come) {
  ManualClient& client = uploading();
  side(0).answer(413, "big");
  client.send("def");
  rounds();
  EXPECT_EQ(client.status(), 413);
  EXPECT_TRUE(client.over && let_go());
  EXPECT_THAT(side(0).got(), EndsWith("\r\n\r\nabc"));
}

TEST_F(Streaming, X5_a_body_that_stops_coming_is_408) {
  ManualClient& client = uploading();
  client.end_body(ManualClient::PieceKind::too_slow);
  rounds();
  EXPECT_EQ(client.status(), 408);
  EXPECT_EQ(client.error, "timeout");
  EXPECT_TRUE(let_go());
  EXPECT_EQ(counters(0).errors.get(), 0u);
}

TEST_F(Streaming, X5_a_body_that_stops_coming_while_the_answer_flows_ends_the_request) {
  ManualClient& client = uploading();
  side(0).begin_answer();
  side(0).piece("some");
  rounds();
  EXPECT_EQ(client.got(), "some");
  client.end_body(ManualClient::PieceKind::too_slow);
  rounds();
  EXPECT_TRUE(client.over && client.was_reset && !client.complete);
  EXPECT_TRUE(let_go());
}

TEST_F(Streaming, a_malformed_body_is_400_and_goes_no_further) {
  ManualClient& client = uploading();
  client.end_body(ManualClient::PieceKind::malformed);
  client.send("not a piece");
  rounds();
  EXPECT_EQ(client.status(), 400);
  EXPECT_EQ(client.error, "malformed");
  EXPECT_TRUE(let_go());
  EXPECT_THAT(side(0).got(), EndsWith("\r\n\r\nabc"));
}

TEST_F(Streaming, X7_a_body_beyond_the_services_limit_is_413_and_reaches_no_backend) {
  spec.limits.body = 999;
  publish();
  const ManualClient& client = ask(upload(1000));
  EXPECT_EQ(client.status(), 413);
  EXPECT_EQ(client.error, "body");
  EXPECT_EQ(asked(), 0u);
}

TEST_F(Streaming, a_client_that_goes_away_takes_its_backend_request_along) {
  ManualClient& client = get("/a");
  client.leave();
  rounds();
  EXPECT_TRUE(client.over && let_go());
  EXPECT_EQ(client.status(), 0);
  EXPECT_EQ(counters(0).aborted.get(), 1u);
  EXPECT_EQ(counters(0).errors.get(), 0u);
}

TEST_F(Streaming, a_client_that_leaves_in_its_upload_takes_its_backend_request_along) {
  ManualClient& client = uploading();
  client.leave();
  rounds();
  EXPECT_TRUE(client.over && let_go());
  EXPECT_EQ(counters(0).aborted.get(), 1u);
}

TEST_F(Streaming, a_client_that_leaves_after_its_upload_is_noticed) {
  ManualClient& client = uploading();
  client.end_body();
  rounds();
  EXPECT_FALSE(client.over);
  client.leave();
  rounds();
  EXPECT_TRUE(client.over && let_go());
}

TEST_F(Streaming, a_half_closed_client_gets_its_answer) {
  ManualClient& client = get("/a");
  client.finish();
  rounds();
  answer(0);
  EXPECT_TRUE(served(client));
}

TEST_F(Streaming, a_half_closed_client_keeps_its_answer_while_it_moves) {
  ManualClient& client = get("/a");
  client.finish();
  side(0).begin_answer();
  for (const char c : std::string("moves")) {
    skip(300ms);
    side(0).piece({&c, 1});
    rounds();
  }
  EXPECT_EQ(client.got(), "moves");
  side(0).piece({}, true);
  rounds();
  EXPECT_TRUE(client.over && client.complete);
}

TEST_F(Streaming, a_half_closed_client_without_an_answer_is_taken_for_gone) {
  ManualClient& client = get("/a");
  client.finish();
  skip(400ms);
  EXPECT_FALSE(client.over);
  skip(600ms);
  EXPECT_TRUE(client.over && let_go());
}

}  // namespace
}  // namespace sluice::exchange
