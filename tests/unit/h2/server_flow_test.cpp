// A session in the server's role: windows and turns, what it holds, and how it ends.
#include "proxy/h2/frame.hpp"
#include "unit/h2/server.hpp"

namespace sluice::h2 {
namespace {

TEST(H2Server, WritesAsFarAsTheWindowsGo) {
  Server server;
  server.ask(1, get(), true);
  const std::string body(100000, 'b');
  server.session.send_head(1, list_of(kAnswered), false);
  server.session.send_data(1, body, true);
  std::size_t got = 0;
  for (const SeenFrame& seen : server.answers())
    if (seen.type == kData) got += seen.payload.size();
  EXPECT_EQ(got, 65535u);
  EXPECT_EQ(server.session.unsent(1), body.size() - 65535);
  EXPECT_FALSE(server.session.wants_write());
  EXPECT_TRUE(server.session.drained().empty());
  server.say(Peer::window(1, 1000));
  EXPECT_TRUE(server.answers().empty());  // the connection's is empty, too
  server.say(Peer::window(0, 500));
  EXPECT_EQ(server.answers()[0].payload.size(), 500u);
  server.say(Peer::window(0, 100000) + Peer::window(1, 100000));
  EXPECT_TRUE(server.answers().back().ends());
}

TEST(H2Server, StreamsTakeTurns) {
  Server server;
  const std::string body(60000, 'b');
  server.say(Peer::window(0, 1000000));
  for (StreamId id : {1, 3, 5}) {
    server.ask(id, get(), true);
    server.session.send_head(id, list_of(kAnswered), false);
    server.session.send_data(id, body, true);
  }
  std::vector<StreamId> order;
  for (const SeenFrame& seen : server.answers())
    if (seen.type == kData) order.push_back(seen.stream);
  ASSERT_EQ(order.size(), 12u);
  for (std::size_t i = 0; i < order.size(); i += 3) {
    EXPECT_NE(order[i], order[i + 1]) << i;
    EXPECT_NE(order[i + 1], order[i + 2]) << i;
    EXPECT_NE(order[i], order[i + 2]) << i;
  }
}

TEST(H2Server, ProducesNoMoreThanIsAskedFor) {
  Server server;
  server.say(Peer::window(0, 1000000));
  server.ask(1, get(), true);
  const std::string body(60000, 'b');
  server.session.send_head(1, list_of(kAnswered), false);
  server.session.send_data(1, body, true);
  Buffer out;
  EXPECT_TRUE(server.session.produce(out, 20000));
  EXPECT_GE(out.size(), 20000u);
  EXPECT_LE(out.size(), 20000u + 16384 + 9);
  EXPECT_TRUE(server.session.drained().empty());
  while (server.session.produce(out, out.size() + 1000)) {
  }
  std::string got;
  for (const SeenFrame& seen : server.peer.see(out.view()))
    if (seen.type == kData) got += seen.payload;
  EXPECT_EQ(got, body);
}

TEST(H2Server, MakesAheadAsMuchAsIsAllowed) {
  Server server;
  server.session.make_ahead(1000);
  for (StreamId id : {1, 3, 5}) server.ask(id, get(), true);
  for (StreamId id : {1, 3, 5}) server.session.send_head(id, list_of(kAnswered), false);
  server.session.send_data(1, "one", false);
  EXPECT_EQ(server.session.unsent(1), 0u);  // it may be used again
  const std::string body(1000, 'b');
  server.session.send_data(3, body, true);
  EXPECT_TRUE(server.session.ended(3));
  EXPECT_GE(server.session.ready(), 1000u);
  server.session.send_data(5, body, true);  // too much lies there already
  EXPECT_EQ(server.session.unsent(5), body.size());
  server.session.make_ahead(0);
  server.session.send_data(1, body, true);

  const auto frames = server.answers();
  std::vector<StreamId> data;
  for (const SeenFrame& seen : frames)
    if (seen.type == kData) data.push_back(seen.stream);
  EXPECT_EQ(data, (std::vector<StreamId>{1, 3, 5, 1}));
  EXPECT_EQ(server.session.ready(), 0u);
  EXPECT_TRUE(server.session.ended(1));
}

TEST(H2Server, ALargeHeadIsSeveralFrames) {
  Server server;
  server.ask(1, get(), true);
  Pairs head = kAnswered;
  for (int i = 0; i < 10; ++i)
    head.emplace_back("x-" + std::to_string(i), std::string(5000, static_cast<char>('!' + i)));
  server.session.send_head(1, list_of(head), true);
  Buffer out;
  server.session.produce(out, 1 << 20);
  std::vector<std::uint8_t> types;
  for (std::size_t at = 0; at < out.size();) {
    const std::string_view frame = out.view().substr(at);
    types.push_back(static_cast<std::uint8_t>(frame[3]));
    at += 9 + h2::read_number(frame.data(), 3);
  }
  EXPECT_EQ(types, (std::vector<std::uint8_t>{kHeaders, kContinuation, kContinuation}));
  const auto frames = server.peer.see(out.view());
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_TRUE(frames[0].ends());
  EXPECT_EQ(frames[0].fields, head);
}

TEST(H2Server, CreditIsGivenForWhatWentOn) {
  Server server;
  server.ask(1, post(), false);
  const std::string chunk(16000, 'c');
  for (int i = 0; i < 4; ++i) server.say(Peer::data(1, chunk, false));
  EXPECT_TRUE(server.produce(kWindowUpdate).empty());
  server.session.consumed(1, 16000);
  EXPECT_TRUE(server.produce(kWindowUpdate).empty());  // less than half a window
  server.session.consumed(1, 32000);
  auto frames = server.produce(kWindowUpdate);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].stream, 1);
  EXPECT_EQ(frames[0].number(), 48000u);
  server.session.consumed(1, 1000000);  // more than came
  server.say(Peer::data(1, chunk, false) + Peer::data(1, chunk, false) + Peer::data(1, chunk, false));
  EXPECT_FALSE(server.session.failed());
}

TEST(H2Server, ABodyWhoseRestFitsIntoItsWindowNeedsNoCreditAlsoInTheMidstOfAFrame) {
  Server server;
  Pairs head = post();
  head.emplace_back("content-length", "60000");
  server.ask(1, head, false);
  const std::string last = Peer::data(1, std::string(12000, 'c'), true);
  for (int i = 0; i < 3; ++i) server.say(Peer::data(1, std::string(16000, 'c'), false));
  server.say(last.substr(0, 3000));
  server.session.consumed(1, 50000);
  EXPECT_TRUE(server.produce(kWindowUpdate).empty());
  server.say(last.substr(3000));
  EXPECT_FALSE(server.session.failed());
}

TEST(H2Server, TellsWhatThePeersWindowsHaveRoomForInEachStream) {
  Server server;
  EXPECT_TRUE(server.session.peer_takes(65535));
  EXPECT_FALSE(server.session.peer_takes(65536));
  server.ask(1, get(), true);
  server.ask(3, get(), true);
  EXPECT_TRUE(server.session.peer_takes(32767));
  EXPECT_FALSE(server.session.peer_takes(32768)) << "the connection's window is for both";
  server.say(Peer::window(0, 1 << 20));
  EXPECT_TRUE(server.session.peer_takes(65535));
  server.say(Peer::settings({{4, 0}}));
  EXPECT_FALSE(server.session.peer_takes(1));
}

TEST(H2Server, ASmallerWindowIsReckonedWithFromItsAcknowledgementOn) {
  Limits limits;
  limits.stream_window = 4000;
  Pair pair(Role::server, limits);
  pair.say(Peer::preface() + pair.peer.headers(1, post(), false) +
           Peer::data(1, std::string(4000, 'c'), false));
  pair.session.consumed(1, 4000);
  pair.produce();
  pair.say(frame(kSettings, kAck, 0, ""));
  const auto frames = pair.produce(kWindowUpdate);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].stream, 1);
  EXPECT_EQ(frames[0].number(), 4000u);
}

TEST(H2Server, AnEndWithoutDataNeedsNoWindow) {
  Limits limits;
  limits.stream_window = 4000;
  Pair pair(Role::server, limits);
  pair.say(Peer::preface() + pair.peer.headers(1, post(), false) +
           Peer::data(1, std::string(9000, 'c'), false));
  pair.say(frame(kSettings, kAck, 0, ""));
  EXPECT_EQ(kinds(pair.say(Peer::data(1, "", true))), (std::vector{Kind::end}));
}

TEST(H2Server, NoCreditIsGivenThatNobodyWillUse) {
  Server server;
  Pairs fields = post();
  fields.emplace_back("content-length", "60000");
  server.ask(1, fields, false);
  const std::string chunk(16000, 'c');
  for (int i = 0; i < 3; ++i) server.say(Peer::data(1, chunk, false));
  server.session.consumed(1, 48000);
  EXPECT_TRUE(server.produce(kWindowUpdate).empty());  // 12000 are to come, and fit

  // Padding takes room, until they do not fit any more.
  std::string padded(1, '\xff');
  padded += std::string(1, 'c') + std::string(255, '\0');
  for (int i = 0; i < 23; ++i) server.say(frame(kData, kPadded, 1, padded));
  server.session.consumed(1, 23);
  const auto frames = server.produce(kWindowUpdate);
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames[0].stream, 1);
  EXPECT_GT(frames[0].number(), 48000u);
}

TEST(H2Server, TheConnectionsCreditComesBackWithAForgottenStream) {
  Limits limits;
  limits.connection_window = 100000;
  Server server(limits);
  const std::string chunk(16000, 'c');
  for (StreamId id = 1; id < 60; id += 2) {
    server.ask(id, post(), false);
    const auto told = server.say(Peer::data(id, chunk, false));
    ASSERT_EQ(kinds(told), (std::vector{Kind::data})) << id;
    server.session.forget(id);
    server.produce();
  }
  EXPECT_FALSE(server.session.failed());
}

TEST(H2Server, DataBeyondTheWindowEndsTheStream) {
  Limits limits;
  limits.stream_window = 65535;
  Server server(limits);
  server.ask(1, post(), false);
  std::string bytes;
  for (int i = 0; i < 5; ++i) bytes += Peer::data(1, std::string(16000, 'c'), false);
  const auto told = server.say(bytes);
  ASSERT_EQ(kinds(told), (std::vector{Kind::data, Kind::data, Kind::data, Kind::data, Kind::reset}));
  EXPECT_TRUE(told.back().event.ours);
  auto frames = server.produce(kRstStream);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].number(), 3u);  // FLOW_CONTROL_ERROR
}

TEST(H2Server, SaysGoodByeInTwoSteps) {
  Server server;
  server.ask(1, get(), true);
  server.session.shutdown_notice();
  server.session.ping();
  auto frames = server.produce();
  ASSERT_EQ(frames.size(), 2u);
  const auto& ping = frames[0].type == kPing ? frames[0] : frames[1];
  const auto& notice = frames[0].type == kPing ? frames[1] : frames[0];
  EXPECT_EQ(notice.type, kGoAway);
  EXPECT_EQ(notice.number(0), 0x7fffffffu);
  EXPECT_EQ(server.ask(3, get(), true).size(), 1u);  // not yet seen
  EXPECT_EQ(kinds(server.say(frame(kPing, kAck, 0, ping.payload))), (std::vector{Kind::pong}));

  server.session.go_away(ErrorCode::no_error);
  frames = server.produce(kGoAway);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].number(0), 3u);
  EXPECT_TRUE(server.ask(5, post(), false).empty());
  EXPECT_TRUE(server.say(Peer::data(5, "x", true)).empty());
  EXPECT_FALSE(server.session.failed());
  EXPECT_FALSE(server.session.is_over());
  for (StreamId id : {1, 3}) {
    server.session.send_head(id, list_of(kAnswered), true);
    server.session.forget(id);
  }
  EXPECT_EQ(server.answers().size(), 2u);
  EXPECT_TRUE(server.session.is_over());
}

TEST(H2Server, TheLastIdOfGoAwayNeverRises) {
  Server server;
  server.ask(1, get(), true);
  server.session.go_away(ErrorCode::no_error);
  EXPECT_TRUE(server.ask(3, get(), true).empty());  // before GOAWAY has gone
  server.session.go_away(ErrorCode::internal_error);
  const auto frames = server.produce(kGoAway);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].number(0), 1u);
  EXPECT_EQ(frames[1].number(0), 1u);
  EXPECT_EQ(frames[1].number(4), 2u);
  EXPECT_FALSE(server.session.failed());
}

TEST(H2Server, RestsBetweenRequests) {
  Server server;
  int user = 0;
  server.ask(1, post(), false);
  server.session.rest();
  server.session.set_user(1, &user);
  const auto told = server.say(Peer::data(1, "abc", true));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].event.user, &user);
}

TEST(H2Server, APingIsAnswered) {
  Server server;
  EXPECT_TRUE(server.say(frame(kPing, 0, 0, "12345678")).empty());
  const auto frames = server.produce(kPing);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].flags, kAck);
  EXPECT_EQ(frames[0].payload, "12345678");
}

TEST(H2Server, ThePeersGoAwayIsTold) {
  Server server;
  const auto told = server.say(frame(kGoAway, 0, 0, number(0) + number(2) + "why"));
  ASSERT_EQ(kinds(told), (std::vector{Kind::go_away}));
  EXPECT_EQ(told[0].event.error, ErrorCode::internal_error);
}

TEST(H2Server, AConnectionErrorEndsAll) {
  Server server;
  server.ask(1, get(), true);
  const auto told = server.say(Peer::data(9, "x", false) + server.peer.headers(3, get(), true));
  ASSERT_EQ(kinds(told), (std::vector{Kind::failed}));
  EXPECT_EQ(told[0].event.error, ErrorCode::protocol_error);
  EXPECT_TRUE(server.session.failed());
  EXPECT_FALSE(server.session.is_over());
  server.session.send_head(1, list_of(kAnswered), false);
  server.session.ping();
  server.session.go_away(ErrorCode::no_error);
  server.session.forget(1);
  const auto frames = server.produce();
  ASSERT_EQ(frames.size(), 1u);  // behind GOAWAY nothing is said
  EXPECT_EQ(frames[0].type, kGoAway);
  EXPECT_EQ(frames[0].number(0), 1u);
  EXPECT_EQ(frames[0].number(4), 1u);
  EXPECT_TRUE(server.session.is_over());
  EXPECT_TRUE(server.say(server.peer.headers(5, get(), true)).empty());
}

TEST(H2Server, ABlockThatCannotBeDecodedEndsAll) {
  Server server;
  const auto told =
      server.say(frame(kHeaders, kEndHeaders | kEndStream, 1, "\xff\xff\xff\xff\xff\xff\xff\xff"));
  ASSERT_EQ(kinds(told), (std::vector{Kind::failed}));
  EXPECT_EQ(told[0].event.error, ErrorCode::compression_error);
  const auto frames = server.produce(kGoAway);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].number(4), 9u);  // COMPRESSION_ERROR
  EXPECT_TRUE(server.session.failed());
  EXPECT_TRUE(server.session.is_over());
}

}  // namespace
}  // namespace sluice::h2
