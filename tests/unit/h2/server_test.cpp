// A session in the server's role: what a client says becomes events, what is answered becomes frames.
#include <gtest/gtest.h>

#include "unit/h2/peer.hpp"

namespace sluice::h2 {
namespace {

using Kind = Event::Kind;

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
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].event.kind, Kind::settings);
  EXPECT_EQ(told[1].event.kind, Kind::head);
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

}  // namespace
}  // namespace sluice::h2
