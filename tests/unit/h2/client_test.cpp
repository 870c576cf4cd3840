// A session in the client's role: requests to a backend, and what the backend makes of them.
#include <gtest/gtest.h>

#include "unit/h2/peer.hpp"

namespace sluice::h2 {
namespace {

using Kind = Event::Kind;

struct Client : Pair {
  // The backend's SETTINGS have come, with this limit of streams.
  explicit Client(std::uint32_t max_streams = 100, const Limits& limits = {}) : Pair(Role::client, limits) {
    say(Peer::settings({{3, max_streams}}) + frame(kSettings, kAck, 0, ""));
    produce();
  }
  StreamId open(const Pairs& fields, bool end, void* user = nullptr) {
    return session.open(list_of(fields), end, user);
  }
  std::vector<Told> answer(StreamId id, const Pairs& fields, bool end) {
    return say(peer.headers(id, fields, end));
  }
  std::vector<SeenFrame> requests() {
    auto frames = produce();
    std::erase_if(frames, [](const SeenFrame& seen) { return seen.stream == 0; });
    return frames;
  }
};

std::vector<Kind> client_kinds(const std::vector<Pair::Told>& told) {
  std::vector<Kind> all;
  for (const auto& one : told) all.push_back(one.event.kind);
  return all;
}

TEST(H2Client, BeginsWithThePreface) {
  Pair pair(Role::client);
  Buffer out;
  pair.session.produce(out, 1 << 20);
  EXPECT_TRUE(out.view().starts_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  const auto frames = pair.peer.see(out.view());
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames[0].type, kSettings);
  EXPECT_EQ(frames[0].number(0) >> 16, 2u);  // ENABLE_PUSH
  EXPECT_EQ(frames[0].number(2), 0u);
}

TEST(H2Client, AsksAndIsAnswered) {
  Client client;
  int user = 0;
  const StreamId id = client.open(post("/a"), false, &user);
  ASSERT_EQ(id, 1);
  client.session.send_data(id, "question", true);
  const auto frames = client.requests();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].fields, post("/a"));
  EXPECT_FALSE(frames[0].ends());
  EXPECT_EQ(frames[1].payload, "question");
  EXPECT_TRUE(frames[1].ends());
  ASSERT_EQ(client.session.drained().size(), 1u);
  EXPECT_EQ(client.session.drained()[0], &user);

  auto told = client.answer(id, {{":status", "103"}}, false);
  ASSERT_EQ(client_kinds(told), (std::vector{Kind::head}));
  told = client.answer(id, {{":status", "200"}}, false);
  ASSERT_EQ(client_kinds(told), (std::vector{Kind::head}));
  EXPECT_EQ(told[0].event.user, &user);
  std::string rest = Peer::data(id, "answer", false);
  rest += client.peer.headers(id, {{"grpc-status", "0"}}, true);
  told = client.say(rest);
  ASSERT_EQ(client_kinds(told), (std::vector{Kind::data, Kind::trailers}));
  client.session.forget(id);
  EXPECT_EQ(client.session.streams(), 0u);
  EXPECT_EQ(client.open(get(), true), 3);
}

TEST(H2Client, OneStreamUntilTheLimitIsKnown) {
  Pair pair(Role::client);
  EXPECT_EQ(pair.session.room(), 1u);
  EXPECT_EQ(pair.session.open(list_of(get()), true, nullptr), 1);
  EXPECT_EQ(pair.session.room(), 0u);
  EXPECT_EQ(pair.session.open(list_of(get()), true, nullptr), 0);
  EXPECT_EQ(client_kinds(pair.say(Peer::settings({{3, 5}, {8, 1}}))), (std::vector{Kind::settings}));
  EXPECT_EQ(pair.session.room(), 4u);
  EXPECT_TRUE(pair.session.peer_tunnels());
}

TEST(H2Client, ALowerLimitHoldsForNewStreams) {
  Client client(3);
  for (int i = 0; i < 3; ++i) EXPECT_NE(client.open(get(), true), 0);
  EXPECT_EQ(client.open(get(), true), 0);
  client.requests();
  client.say(Peer::settings({{3, 1}}));
  client.answer(1, {{":status", "200"}}, true);
  client.session.forget(1);
  EXPECT_EQ(client.session.room(), 0u);
  client.answer(3, {{":status", "200"}}, true);
  client.answer(5, {{":status", "200"}}, true);
  EXPECT_EQ(client.session.room(), 1u);  // the peer counts no stream that is over
}

TEST(H2Client, RefusedStreamsWereNotProcessed) {
  Client client;
  const StreamId id = client.open(post(), false);
  client.requests();
  const auto told = client.say(Peer::reset(id, ErrorCode::refused_stream));
  ASSERT_EQ(client_kinds(told), (std::vector{Kind::reset}));
  EXPECT_TRUE(told[0].event.unprocessed);
  EXPECT_FALSE(client.say(Peer::reset(client.open(get(), true), ErrorCode::cancel)).empty());
}

TEST(H2Client, GoAwaySparesWhatWasTaken) {
  Client client;
  for (int i = 0; i < 3; ++i) client.open(get(), true);
  client.requests();
  const auto told = client.say(frame(kGoAway, 0, 0, number(3) + number(0)));
  ASSERT_EQ(client_kinds(told), (std::vector{Kind::go_away, Kind::reset}));
  EXPECT_EQ(told[0].event.stream, 3);
  EXPECT_EQ(told[1].event.stream, 5);
  EXPECT_TRUE(told[1].event.unprocessed);
  EXPECT_EQ(client.session.room(), 0u);
  EXPECT_EQ(client.open(get(), true), 0);
  for (StreamId id : {1, 3}) {
    EXPECT_EQ(client_kinds(client.answer(id, {{":status", "200"}}, true)), (std::vector{Kind::head}));
    client.session.forget(id);
  }
  client.session.forget(5);
  EXPECT_EQ(client.session.streams(), 0u);
  EXPECT_TRUE(client.session.is_over());
}

// RFC 9113 6.8: the notice takes nothing back.
TEST(H2Client, ARequestThatANoticeOvertookGoes) {
  Client client;
  const StreamId id = client.open(get(), true);
  EXPECT_EQ(client_kinds(client.say(frame(kGoAway, 0, 0, number(0x7fffffff) + number(0)))),
            (std::vector{Kind::go_away}));
  EXPECT_EQ(client.requests().size(), 1u);
  EXPECT_EQ(client_kinds(client.answer(id, {{":status", "200"}}, true)), (std::vector{Kind::head}));
  client.session.forget(id);
  EXPECT_TRUE(client.session.is_over());
}

TEST(H2Client, ARequestThatIsTakenBackIsReset) {
  Client client;
  const StreamId id = client.open(get(), true);
  client.session.forget(id);
  const auto frames = client.requests();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].type, kHeaders);
  EXPECT_EQ(frames[1].type, kRstStream);
  EXPECT_EQ(frames[1].number(), 8u);
  EXPECT_EQ(client.session.streams(), 0u);
  EXPECT_TRUE(client.answer(id, {{":status", "200"}}, true).empty());
  EXPECT_FALSE(client.session.failed());
}

TEST(H2Client, AnEarlyAnswerThenANoErrorReset) {
  Client client;
  const StreamId id = client.open(post(), false);
  client.requests();
  std::string bytes = client.peer.headers(id, {{":status", "403"}}, true);
  bytes += Peer::reset(id, ErrorCode::no_error);
  const auto told = client.say(bytes);
  ASSERT_EQ(client_kinds(told), (std::vector{Kind::head, Kind::reset}));
  EXPECT_TRUE(told[0].event.last);
  EXPECT_EQ(told[1].event.error, ErrorCode::no_error);
  EXPECT_TRUE(client.session.ended(id));
}

TEST(H2Client, MalformedAnswersAreStreamErrors) {
  const auto error = [](const Pairs& fields, bool end, const std::string& more = "") {
    Client client;
    const StreamId id = client.open(get(), true);
    client.requests();
    const auto told = client.say(client.peer.headers(id, fields, end) + more);
    const bool reset = told.back().event.kind == Kind::reset && told.back().event.ours;
    return reset && client.requests().back().number() == 1;
  };
  EXPECT_TRUE(error({{":status", "101"}}, false));
  EXPECT_TRUE(error({{":status", "200"}, {"Connection", "close"}}, true));
  EXPECT_TRUE(error({{"x", "1"}}, true));
  EXPECT_TRUE(error({{":status", "100"}}, true));
  EXPECT_TRUE(error({{":status", "100"}}, false, Peer::data(1, "a", false)));
  EXPECT_TRUE(error({{":status", "200"}, {"content-length", "3"}}, true));
  EXPECT_TRUE(error({{":status", "200"}, {"content-length", "3"}}, false, Peer::data(1, "abcd", false)));
  EXPECT_TRUE(error({{":status", "200"}, {"content-length", "3"}}, false, Peer::data(1, "ab", true)));
  EXPECT_TRUE(error({{":status", "204"}}, false, Peer::data(1, "a", true)));
  EXPECT_FALSE(error({{":status", "200"}, {"content-length", "3"}}, false, Peer::data(1, "abc", true)));
  EXPECT_FALSE(error({{":status", "304"}, {"content-length", "3"}}, true));
}

TEST(H2Client, AnAnswerToHeadHasNoBody) {
  Client client;
  Pairs head = get();
  head[0].second = "HEAD";
  StreamId id = client.open(head, true);
  client.requests();
  auto told = client.answer(id, {{":status", "200"}, {"content-length", "3"}}, true);
  ASSERT_EQ(client_kinds(told), (std::vector{Kind::head}));
  id = client.open(head, true);
  client.requests();
  client.answer(id, {{":status", "200"}, {"content-length", "3"}}, false);
  EXPECT_EQ(client_kinds(client.say(Peer::data(id, "abc", true))), (std::vector{Kind::reset}));
}

TEST(H2Client, UploadsAsFarAsTheWindowsGo) {
  Client client;
  int user = 0;
  const StreamId id = client.open(post(), false, &user);
  const std::string body(100000, 'u');
  client.session.send_data(id, body, false);
  std::size_t sent = 0;
  const auto count = [&](const std::vector<SeenFrame>& frames) {
    for (const SeenFrame& seen : frames)
      if (seen.type == kData) sent += seen.payload.size();
  };
  count(client.requests());
  EXPECT_EQ(sent, 65535u);
  EXPECT_TRUE(client.session.drained().empty());
  client.say(Peer::window(0, 1000000) + Peer::settings({{4, 70000}}));  // a larger window for all streams
  count(client.requests());
  EXPECT_EQ(sent, 70000u);
  client.say(Peer::window(id, 1000000));
  count(client.requests());
  EXPECT_EQ(sent, body.size());
  ASSERT_EQ(client.session.drained().size(), 1u);
  EXPECT_EQ(client.session.drained()[0], &user);
  client.session.send_data(id, "end", true);
  EXPECT_TRUE(client.requests().back().ends());
}

TEST(H2Client, UploadsTakeTurns) {
  Client client;
  client.say(Peer::window(0, 1000000));
  const std::string body(60000, 'u');
  for (int i = 0; i < 3; ++i) client.session.send_data(client.open(post(), false), body, true);
  std::vector<StreamId> order;
  for (const SeenFrame& seen : client.requests())
    if (seen.type == kData) order.push_back(seen.stream);
  ASSERT_EQ(order.size(), 12u);
  for (std::size_t i = 0; i + 2 < 9; i += 3) {
    EXPECT_NE(order[i], order[i + 1]) << i;
    EXPECT_NE(order[i + 1], order[i + 2]) << i;
    EXPECT_NE(order[i], order[i + 2]) << i;
  }
}

TEST(H2Client, BeforeAnythingHasCome) {
  Pair pair(Role::client);
  int user = 0;
  const StreamId id = pair.session.open(list_of(get()), true, nullptr);
  pair.session.set_user(id, &user);
  EXPECT_EQ(pair.session.user(id), &user);
  pair.session.forget(id);
  pair.produce();
  EXPECT_EQ(pair.session.streams(), 0u);
}

TEST(H2Client, TrailersWaitForTheirRequest) {
  Client client;
  const StreamId id = client.open(post(), false);
  client.session.send_trailers(id, list_of({{"x-sum", "1"}}));
  const auto frames = client.requests();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].fields, post());
  EXPECT_EQ(frames[1].fields, (Pairs{{"x-sum", "1"}}));
  EXPECT_TRUE(frames[1].ends());
}

TEST(H2Client, APushIsAnError) {
  Client client;
  const StreamId id = client.open(get(), true);
  client.requests();
  const auto told = client.say(frame(kPushPromise, kEndHeaders, id, number(2)));
  ASSERT_EQ(client_kinds(told), (std::vector{Kind::failed}));
  EXPECT_EQ(told[0].event.error, ErrorCode::protocol_error);
}

TEST(H2Client, WhatIsSecretOrNeverComesTwiceStaysOutOfTheTable) {
  Client client;
  Pairs fields = get();
  fields.emplace_back("authorization", "Basic c2VjcmV0OnNlY3JldA==");
  fields.emplace_back("x-request-id", "0123456789abcdef0123456789abcdef");
  fields.emplace_back("x-other", "that comes again and again, as it is");
  std::size_t sizes[3];
  for (std::size_t& size : sizes) {
    client.open(fields, true);
    const auto frames = client.requests();
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].fields, fields);
    size = frames[0].payload.size();
  }
  EXPECT_LT(sizes[1], sizes[0]);  // x-other is in the table
  EXPECT_EQ(sizes[2], sizes[1]);
  EXPECT_GT(sizes[1], 40u);  // the others are not
}

TEST(H2Client, AnswersAreWholeHoweverManyWait) {
  constexpr int kStreams = 600;
  Client client(kStreams);
  for (int i = 0; i < kStreams; ++i) ASSERT_NE(client.open(post(), true), 0);
  client.requests();
  const Pairs status = {{"grpc-status", "0"}, {"x", std::string(2000, 'x')}};
  for (int i = 0; i < kStreams; ++i) {
    const StreamId id = 2 * i + 1;
    client.answer(id, {{":status", "200"}, {"x", std::string(2000, 'x')}}, false);
    const auto told = client.answer(id, status, true);
    ASSERT_EQ(client_kinds(told), (std::vector{Kind::trailers})) << i;
    EXPECT_EQ(told[0].fields, status);
  }
}

TEST(H2Client, TrailersThatAreTooLargeAreAStreamError) {
  Client client;
  const StreamId id = client.open(post(), true);
  client.requests();
  client.answer(id, {{":status", "200"}}, false);
  Pairs fields = {{"grpc-status", "0"}};
  for (int i = 0; i < 101; ++i) fields.emplace_back("x-" + std::to_string(i), "1");
  const auto told = client.answer(id, fields, true);
  ASSERT_EQ(client_kinds(told), (std::vector{Kind::reset}));
  EXPECT_TRUE(told[0].event.ours);
}

TEST(H2Client, ATunnelCarriesDataBothWays) {
  Client client;
  const StreamId id = client.open({{":method", "CONNECT"},
                                   {":protocol", "websocket"},
                                   {":scheme", "http"},
                                   {":authority", "a"},
                                   {":path", "/"}},
                                  false);
  client.requests();
  client.answer(id, {{":status", "200"}}, false);
  client.session.send_data(id, "ping", false);
  EXPECT_EQ(client.requests()[0].payload, "ping");
  EXPECT_EQ(client.say(Peer::data(id, "pong", false))[0].data, "pong");
  EXPECT_EQ(client_kinds(client.say(Peer::data(id, "", true))), (std::vector{Kind::end}));
  client.session.send_data(id, "", true);
  EXPECT_TRUE(client.requests().back().ends());
}

}  // namespace
}  // namespace sluice::h2
