// A session in the server's role: what a client says becomes events, what is answered becomes frames.
#include "unit/h2/server.hpp"

namespace sluice::h2 {
namespace {

TEST(H2Server, SaysItsLimitsFirst) {
  Pair pair;
  const auto frames = pair.produce();
  ASSERT_GE(frames.size(), 2u);
  EXPECT_EQ(frames[0].type, kSettings);
  std::map<std::uint32_t, std::uint32_t> settings;
  for (std::size_t at = 0; at < frames[0].payload.size(); at += 6)
    settings[frames[0].number(at) >> 16] = frames[0].number(at + 2);
  EXPECT_EQ(settings[3], 100u);        // MAX_CONCURRENT_STREAMS
  EXPECT_EQ(settings[4], 64u * 1024);  // INITIAL_WINDOW_SIZE
  EXPECT_EQ(settings[6], 32u * 1024);  // MAX_HEADER_LIST_SIZE
  EXPECT_EQ(settings[8], 1u);          // ENABLE_CONNECT_PROTOCOL
  EXPECT_EQ(settings[9], 1u);          // NO_RFC7540_PRIORITIES
  EXPECT_EQ(frames[1].type, kWindowUpdate);
  EXPECT_EQ(frames[1].number(), 1024u * 1024 - 65535);
}

TEST(H2Server, AnswersARequest) {
  Pair pair;
  int user = 0;
  const auto told = pair.say(Peer::preface() + pair.peer.headers(1, get("/a?b"), true));
  ASSERT_EQ(kinds(told), (std::vector{Kind::settings, Kind::head}));
  EXPECT_TRUE(told[1].event.last);
  EXPECT_EQ(told[1].event.stream, 1);
  EXPECT_EQ(told[1].fields, get("/a?b"));
  pair.session.set_user(1, &user);

  const std::string body(20000, 'x');
  pair.session.send_interim(1, list_of({{":status", "103"}, {"Link", "</a>"}}));
  pair.session.send_head(1, list_of({{":status", "200"}, {"Content-Type", "text/plain"}}), false);
  pair.session.send_data(1, body, true);
  EXPECT_EQ(pair.session.unsent(1), body.size());
  EXPECT_TRUE(pair.session.wants_write());
  auto frames = pair.produce();
  std::erase_if(frames, [](const SeenFrame& seen) { return seen.stream == 0; });
  ASSERT_EQ(frames.size(), 4u);
  EXPECT_EQ(frames[0].fields, (Pairs{{":status", "103"}, {"link", "</a>"}}));
  EXPECT_EQ(frames[1].fields, (Pairs{{":status", "200"}, {"content-type", "text/plain"}}));
  EXPECT_EQ(frames[2].payload + frames[3].payload, body);
  EXPECT_FALSE(frames[2].ends());
  EXPECT_TRUE(frames[3].ends());
  EXPECT_EQ(pair.session.unsent(1), 0u);
  EXPECT_TRUE(pair.session.ended(1));
  ASSERT_EQ(pair.session.drained().size(), 1u);
  EXPECT_EQ(pair.session.drained()[0], &user);

  EXPECT_EQ(pair.session.streams(), 1u);
  pair.session.forget(1);
  EXPECT_EQ(pair.session.streams(), 0u);
  EXPECT_FALSE(pair.session.wants_write());
  EXPECT_EQ(pair.session.drained()[0], nullptr);
}

TEST(H2Server, TellsABodyAndItsEnd) {
  Server server;
  EXPECT_EQ(kinds(server.ask(1, post(), false)), (std::vector{Kind::head}));
  auto told = server.say(frame(kData, kPadded, 1, std::string("\2abc\0\0", 6)));
  ASSERT_EQ(kinds(told), (std::vector{Kind::data}));
  EXPECT_EQ(told[0].data, "abc");
  EXPECT_FALSE(told[0].event.last);
  told = server.say(Peer::data(1, "de", false) + Peer::data(1, "", true));
  ASSERT_EQ(kinds(told), (std::vector{Kind::data}));
  EXPECT_TRUE(told[0].event.last);

  server.ask(3, post(), false);
  EXPECT_EQ(kinds(server.say(Peer::data(3, "", true))), (std::vector{Kind::end}));
  server.ask(5, post(), false);
  told = server.say(Peer::data(5, "a", false) + server.peer.headers(5, {{"x-sum", "1"}}, true));
  ASSERT_EQ(kinds(told), (std::vector{Kind::data, Kind::trailers}));
  EXPECT_EQ(told[1].fields, (Pairs{{"x-sum", "1"}}));
}

TEST(H2Server, TellsAPieceOfAFrameFromAWholeOne) {
  Server server;
  server.ask(1, post(), false);
  const std::string whole = Peer::data(1, "abcd", true);
  auto told = server.say(whole.substr(0, whole.size() - 2));
  ASSERT_EQ(kinds(told), (std::vector{Kind::data}));
  EXPECT_TRUE(told[0].event.more);
  EXPECT_FALSE(told[0].event.last);
  told = server.say(whole.substr(whole.size() - 2));
  ASSERT_EQ(kinds(told), (std::vector{Kind::data}));
  EXPECT_FALSE(told[0].event.more);
  EXPECT_TRUE(told[0].event.last);

  server.ask(3, post(), false);
  const std::string padded = frame(kData, kPadded, 3, std::string("\2abc\0\0", 6));
  told = server.say(padded.substr(0, padded.size() - 1));
  ASSERT_EQ(kinds(told), (std::vector{Kind::data}));
  EXPECT_FALSE(told[0].event.more);  // only padding is missing
}

TEST(H2Server, TheUserComesWithEventsOfTheSameRead) {
  Server server;
  int user = 0;
  std::string bytes = server.peer.headers(1, post(), false);
  bytes += server.peer.headers(3, get(), true);
  bytes += Peer::data(1, "abc", true);
  const auto events = server.session.receive(bytes, 0);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[2].user, nullptr);
  server.session.set_user(1, &user);
  EXPECT_EQ(events[0].user, &user);
  EXPECT_EQ(events[1].user, nullptr);
  EXPECT_EQ(events[2].user, &user);
  server.session.forget(1);
  EXPECT_EQ(events[2].user, nullptr);
  EXPECT_EQ(events[0].block, nullptr);
  EXPECT_NE(events[1].block, nullptr);
  EXPECT_EQ(server.session.user(1), nullptr);
}

TEST(H2Server, ABlockMayComeByteByByte) {
  Server server;
  const std::string block = server.peer.block(get());
  const std::string bytes = frame(kHeaders, kEndStream, 1, block.substr(0, 2)) +
                            frame(kContinuation, 0, 1, block.substr(2, 2)) +
                            frame(kContinuation, kEndHeaders, 1, block.substr(4));
  std::vector<Pair::Told> told;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    EXPECT_EQ(server.session.in_head(), at >= 9);
    for (auto& one : server.say(bytes.substr(at, 1))) told.push_back(one);
  }
  EXPECT_FALSE(server.session.in_head());
  ASSERT_EQ(kinds(told), (std::vector{Kind::head}));
  EXPECT_EQ(told[0].fields, get());
}

TEST(H2Server, AHeadAloneMayBeTheWholeAnswer) {
  Server server;
  server.ask(1, get(), true);
  server.session.send_head(1, list_of({{":status", "200"}, {"grpc-status", "12"}}), true);
  const auto frames = server.answers();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_TRUE(frames[0].ends());
}

TEST(H2Server, TrailersEndAnAnswer) {
  Server server;
  server.ask(1, post(), true);
  server.session.send_head(1, list_of(kAnswered), false);
  server.session.send_data(1, "abc", false);
  EXPECT_EQ(server.answers().size(), 2u);
  server.session.send_trailers(1, list_of({{"grpc-status", "0"}}));
  auto frames = server.answers();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_TRUE(frames[0].ends());
  EXPECT_EQ(frames[0].fields, (Pairs{{"grpc-status", "0"}}));
  server.session.forget(1);
  EXPECT_EQ(server.session.streams(), 0u);

  server.ask(3, post(), true);  // without any data
  server.session.send_head(3, list_of(kAnswered), false);
  server.session.send_trailers(3, list_of({{"grpc-status", "5"}}));
  frames = server.answers();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_TRUE(frames[1].ends());
}

TEST(H2Server, TrailersMayFollowAPieceThatTheWindowHeldBack) {
  Server server;
  server.ask(1, post(), true);
  server.session.send_head(1, list_of(kAnswered), false);
  const std::string piece(100'000, 'x');
  server.session.send_data(1, piece, false);
  EXPECT_GT(server.answers().size(), 1u);
  EXPECT_GT(server.session.unsent(1), 0u);
  server.session.drop_piece(1);
  EXPECT_EQ(server.session.unsent(1), 0u);
  server.session.send_trailers(1, list_of({{"grpc-status", "14"}}));
  const auto frames = server.answers();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].type, kHeaders);
  EXPECT_TRUE(frames[0].ends());
  EXPECT_EQ(frames[0].fields, (Pairs{{"grpc-status", "14"}}));
  server.session.forget(1);
  EXPECT_EQ(server.session.streams(), 0u);
}

TEST(H2Server, MalformedRequestsAreResetAndNotTold) {
  Server server;
  Pairs bad = get();
  bad.emplace_back("Connection", "close");
  const auto told = server.ask(1, bad, true);
  ASSERT_EQ(kinds(told), (std::vector{Kind::reset}));
  EXPECT_TRUE(told[0].event.ours);
  EXPECT_EQ(told[0].event.error, ErrorCode::protocol_error);
  const auto frames = server.answers();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].type, kRstStream);
  EXPECT_EQ(frames[0].number(), 1u);
  EXPECT_EQ(server.session.glitches()[static_cast<std::size_t>(Glitch::stream_error)], 1u);
}

TEST(H2Server, TheLengthIsWhatWasSaid) {
  const auto with_length = [](const char* length) {
    Pairs fields = post();
    fields.emplace_back("content-length", length);
    return fields;
  };
  const auto last_of = [](const std::vector<Pair::Told>& told) { return told.back().event; };
  Server server;
  server.ask(1, with_length("3"), false);
  EXPECT_TRUE(last_of(server.say(Peer::data(1, "ab", false) + Peer::data(1, "c", true))).last);
  server.ask(3, with_length("3"), false);
  EXPECT_EQ(last_of(server.say(Peer::data(3, "abcd", true))).error, ErrorCode::protocol_error);
  server.ask(5, with_length("3"), false);
  const auto told = server.say(Peer::data(5, "ab", true));
  EXPECT_EQ(kinds(told), (std::vector{Kind::data, Kind::reset}));
  server.ask(7, with_length("3"), false);
  EXPECT_EQ(last_of(server.say(Peer::data(7, "a", false) + server.peer.headers(7, {{"x", "1"}}, true))).kind,
            Kind::reset);
  EXPECT_EQ(last_of(server.ask(9, with_length("3"), true)).kind, Kind::reset);
}

TEST(H2Server, ASecondHeadIsAStreamError) {
  Server server;
  server.ask(1, post(), false);
  const auto told = server.say(server.peer.headers(1, {{"x", "1"}}, false));
  ASSERT_EQ(kinds(told), (std::vector{Kind::reset}));
  EXPECT_EQ(server.answers()[0].number(), 1u);
  server.ask(3, post(), false);
  EXPECT_EQ(kinds(server.say(server.peer.headers(3, {{":path", "/"}}, true))), (std::vector{Kind::reset}));
}

TEST(H2Server, TooManyFieldsAreToldAsSuch) {
  Server server;
  Pairs fields = get();
  for (int i = 0; i < 101; ++i) fields.emplace_back("x-" + std::to_string(i), "1");
  std::string bytes = server.peer.headers(1, fields, true);
  const auto events = server.session.receive(bytes, 0);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(events[0].block->too_large());
  EXPECT_EQ(events[0].block->size(), 104u);
}

TEST(H2Server, TheHeadsOfAllStreamsTogetherAreLimited) {
  Server server;
  Pairs fields = get();
  fields.emplace_back("x", std::string(30000, 'x'));
  std::string bytes;
  for (StreamId id = 1; id < 60; id += 2) bytes += server.peer.headers(id, fields, true);
  int taken = 0, too_large = 0;
  for (const Event& event : server.session.receive(bytes, 0))
    ++(event.block->too_large() ? too_large : taken);
  EXPECT_GE(taken, 10);
  EXPECT_LE(taken, 18);
  EXPECT_EQ(taken + too_large, 30);
  server.session.forget(1);
  const auto events = server.session.receive(server.peer.headers(61, fields, true), 0);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_FALSE(events[0].block->too_large());
}

TEST(H2Server, DataThatNobodyTakesCostsTheConnectionNothing) {
  Server server;
  const std::string chunk(15000, 'c');
  for (StreamId id = 1; id < 100; id += 2) {
    server.ask(id, post(), false);
    if (id % 4 == 1) server.session.reset(id, ErrorCode::cancel);  // or its answer is still on its way
    if (id % 4 == 3) server.session.send_head(id, list_of(kAnswered), true);
    server.session.forget(id);
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(server.say(Peer::data(id, chunk, false)).empty());
    server.produce();
    ASSERT_FALSE(server.session.failed()) << id;
  }
  EXPECT_EQ(server.session.streams(), 0u);
}

TEST(H2Server, ThePeersResetIsTold) {
  Server server;
  int user = 0;
  server.ask(1, post(), false);
  server.session.set_user(1, &user);
  const auto told = server.say(Peer::reset(1, ErrorCode::cancel));
  ASSERT_EQ(kinds(told), (std::vector{Kind::reset}));
  EXPECT_FALSE(told[0].event.ours);
  EXPECT_EQ(told[0].event.error, ErrorCode::cancel);
  EXPECT_EQ(told[0].event.user, &user);
  server.session.send_head(1, list_of(kAnswered), true);
  EXPECT_TRUE(server.answers().empty());
  EXPECT_EQ(server.session.streams(), 1u);  // until its exchange has ended
  server.session.forget(1);
  EXPECT_EQ(server.session.streams(), 0u);
}

TEST(H2Server, StreamsAboveTheLimitAreRefused) {
  Limits limits;
  limits.max_streams = 3;
  Server server(limits);
  for (StreamId id = 1; id <= 5; id += 2) EXPECT_EQ(server.ask(id, get(), true).size(), 1u);
  EXPECT_TRUE(server.ask(7, post(), false).empty());
  auto frames = server.answers();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].stream, 7);
  EXPECT_EQ(frames[0].number(), 7u);  // REFUSED_STREAM
  EXPECT_TRUE(server.say(Peer::data(7, "late", true)).empty());
  EXPECT_FALSE(server.session.failed());

  server.say(Peer::reset(1, ErrorCode::cancel));  // its exchange is still there
  EXPECT_TRUE(server.ask(9, get(), true).empty());
  server.session.forget(1);
  EXPECT_EQ(server.ask(11, get(), true).size(), 1u);
  EXPECT_EQ(server.session.glitches()[static_cast<std::size_t>(Glitch::refused)], 2u);
}

TEST(H2Server, ForgettingEndsWhatIsOpen) {
  Server server;
  server.ask(1, post(), false);  // nothing was answered
  server.session.forget(1);
  auto frames = server.answers();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].number(), 8u);  // CANCEL
  EXPECT_EQ(server.session.streams(), 0u);

  server.ask(3, post(), false);  // answered before the request was whole
  server.session.send_head(3, list_of(kAnswered), true);
  server.session.forget(3);
  EXPECT_EQ(server.session.streams(), 1u);  // the answer has not gone
  frames = server.answers();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_TRUE(frames[0].ends());
  EXPECT_EQ(frames[1].type, kRstStream);
  EXPECT_EQ(frames[1].number(), 0u);  // NO_ERROR (RFC 9113 8.1)
  EXPECT_EQ(server.session.streams(), 0u);
  EXPECT_TRUE(server.say(Peer::data(3, "late", true)).empty());
  EXPECT_FALSE(server.session.failed());

  server.ask(5, get(), true);  // a piece would be lost
  server.session.send_head(5, list_of(kAnswered), false);
  server.session.send_data(5, "abc", true);
  server.session.forget(5);
  frames = server.answers();
  EXPECT_EQ(frames.back().type, kRstStream);
  EXPECT_EQ(server.session.streams(), 0u);
}

TEST(H2Server, WhoIsResetAndNeverEndsIsForgottenSome256StreamsLater) {
  Server server;
  for (int i = 0; i < 257; ++i) {
    server.ask(2 * i + 1, post(), false);
    server.session.reset(2 * i + 1, ErrorCode::cancel);
    server.session.forget(2 * i + 1);
    server.produce();
  }
  EXPECT_TRUE(server.say(Peer::data(3, "late", false)).empty());
  EXPECT_EQ(kinds(server.say(Peer::data(1, "late", false))), (std::vector{Kind::failed}));
}

TEST(H2Server, AForgottenStreamTellsNothing) {
  Server server;
  for (StreamId id : {1, 3, 5}) {
    server.ask(id, post(), false);
    server.session.send_head(id, list_of(kAnswered), true);
    server.session.forget(id);
  }
  EXPECT_TRUE(server.say(Peer::data(1, "late", true)).empty());
  EXPECT_TRUE(server.say(server.peer.headers(3, {{"late", "1"}}, true)).empty());
  EXPECT_TRUE(server.say(Peer::reset(5, ErrorCode::cancel)).empty());
  const auto frames = server.answers();  // the requests of 1 and 3 are whole, 5 is reset: no RST_STREAM
  ASSERT_EQ(frames.size(), 3u);
  for (const SeenFrame& seen : frames) EXPECT_TRUE(seen.type == kHeaders && seen.ends());
  EXPECT_EQ(server.session.streams(), 0u);
}

TEST(H2Server, WhatWasResetSaysNoMore) {
  Server server;
  server.ask(1, post(), false);
  server.session.send_head(1, list_of(kAnswered), false);
  server.session.send_data(1, std::string_view("abc"), false);
  server.session.reset(1, ErrorCode::internal_error);
  EXPECT_EQ(server.session.unsent(1), 0u);
  const auto frames = server.answers();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].type, kHeaders);
  EXPECT_EQ(frames[1].number(), 2u);
  EXPECT_TRUE(server.say(Peer::data(1, "late", true)).empty());
  EXPECT_EQ(server.session.streams(), 1u);
}

}  // namespace
}  // namespace sluice::h2
