// Who makes much work for nothing is sent away: each flood of RFC 9113 10.5 and of the CVEs named, from a
// peer that reads nothing.
#include <gtest/gtest.h>

#include <functional>

#include "unit/h2/peer.hpp"

namespace sluice::h2 {
namespace {

struct End {
  int round = 0;  // of the flood, when it came to its end; 0: it did not
  ErrorCode error = ErrorCode::no_error;
  std::string reason;
};

// `once` says a round of the flood, at 100 a second.
End flood(int most, const std::function<std::string(Pair&, int)>& once, const Limits& limits = {}) {
  Pair pair(Role::server, limits);
  pair.say(Peer::preface());
  for (int i = 1; i <= most; ++i) {
    pair.now_ms += 10;
    for (const auto& told : pair.say(once(pair, i))) {
      if (told.event.kind == Event::Kind::failed) return {i, told.event.error, told.event.reason};
      if (told.event.kind == Event::Kind::reset) pair.session.forget(told.event.stream);
    }
  }
  return {};
}

StreamId id_of(int round) { return 2 * round - 1; }

#define EXPECT_CALMED(end, from, to)                    \
  EXPECT_EQ((end).error, ErrorCode::enhance_your_calm); \
  EXPECT_GE((end).round, from) << (end).reason;         \
  EXPECT_LE((end).round, to) << (end).reason

TEST(H2Floods, RapidReset) {  // CVE-2023-44487
  const End end = flood(4000, [](Pair& pair, int i) {
    return pair.peer.headers(id_of(i), get(), true) + Peer::reset(id_of(i), ErrorCode::cancel);
  });
  EXPECT_CALMED(end, 500, 650);
  EXPECT_EQ(end.reason, "quick_reset");
}

TEST(H2Floods, ResetsOfLessThanHalfOfTheStreamsAreNone) {
  Pair pair;
  pair.say(Peer::preface());
  for (int i = 1; i <= 9000; ++i) {
    std::string bytes = pair.peer.headers(id_of(i), get(), true);
    if (i % 3 == 0) bytes += Peer::reset(id_of(i), ErrorCode::cancel);
    pair.say(bytes);
    pair.session.forget(id_of(i));
    pair.produce();
    ASSERT_FALSE(pair.session.failed()) << i;
  }
}

TEST(H2Floods, ResetsThatThisSideIsMadeToSend) {  // CVE-2025-8671
  const End window = flood(4000, [](Pair& pair, int i) {
    return pair.peer.headers(id_of(i), get(), false) + Peer::window(id_of(i), 0x7fffffff);
  });
  EXPECT_CALMED(window, 100, 200);
  const End malformed = flood(4000, [](Pair& pair, int i) {
    return pair.peer.headers(id_of(i), {{":method", "GET"}}, true);
  });
  EXPECT_CALMED(malformed, 100, 200);
}

TEST(H2Floods, StreamsAboveTheLimit) {
  const End end = flood(4000, [](Pair& pair, int i) { return pair.peer.headers(id_of(i), get(), true); });
  EXPECT_CALMED(end, 300, 330);
  EXPECT_EQ(end.reason, "refused");
}

TEST(H2Floods, Ping) {  // CVE-2019-9512
  const End end = flood(4000, [](Pair&, int) { return frame(kPing, 0, 0, "12345678"); });
  EXPECT_CALMED(end, 100, 110);  // none of the answers is read
}

TEST(H2Floods, PingWhoseAnswersAreRead) {
  const End end = flood(4000, [](Pair& pair, int) {
    pair.produce();
    return frame(kPing, 0, 0, "12345678");
  });
  EXPECT_CALMED(end, 600, 700);
}

TEST(H2Floods, Settings) {  // CVE-2019-9515
  const End end = flood(4000, [](Pair& pair, int) {
    pair.produce();
    return Peer::settings({{4, 1000}});
  });
  EXPECT_CALMED(end, 600, 700);
}

TEST(H2Floods, EmptyFrames) {  // CVE-2019-9518
  const End data = flood(4000, [](Pair& pair, int i) {
    return i == 1 ? pair.peer.headers(1, post(), false) : Peer::data(1, "", false);
  });
  EXPECT_CALMED(data, 12, 12);
  const End mixed = flood(4000, [](Pair& pair, int i) {
    return i == 1 ? pair.peer.headers(1, post(), false)
                  : Peer::data(1, "", false) + Peer::data(1, "x", false);
  });
  EXPECT_CALMED(mixed, 1000, 1600);
  const End priority = flood(4000, [](Pair&, int) { return frame(kPriority, 0, 3, "12345"); });
  EXPECT_CALMED(priority, 11, 11);  // CVE-2019-9513
}

TEST(H2Floods, WindowUpdates) {
  const End end = flood(4000, [](Pair&, int) { return Peer::window(0, 1); });
  EXPECT_CALMED(end, 100, 120);
}

TEST(H2Floods, Continuations) {  // CVE-2024-27316
  const End end = flood(4000, [](Pair& pair, int i) {
    if (i == 1) return frame(kHeaders, 0, 1, pair.peer.block(get()));
    return frame(kContinuation, 0, 1, pair.peer.block({{"x", std::to_string(i)}}));
  });
  EXPECT_CALMED(end, 10, 10);
}

TEST(H2Floods, UnknownFrames) {
  const End end = flood(4000, [](Pair&, int) { return frame(0xfa, 0, 0, "x"); });
  EXPECT_CALMED(end, 1000, 1600);
}

TEST(H2Floods, GoAways) {
  const End end = flood(4000, [](Pair&, int) { return frame(kGoAway, 0, 0, number(0) + number(0)); });
  EXPECT_CALMED(end, 1000, 1600);
}

TEST(H2Floods, AnHpackBombIsTooLargeAndNoMore) {  // CVE-2016-6581
  Pair pair;
  pair.say(Peer::preface());
  Pairs fields = get();
  for (int i = 0; i < 4000; ++i) fields.emplace_back("x", std::string(2900, 'b'));
  const std::string bytes = pair.peer.headers(1, fields, true);
  EXPECT_LT(bytes.size(), 10000u);
  const auto events = pair.session.receive(bytes, pair.now_ms);
  ASSERT_EQ(events.size(), 1u);
  ASSERT_NE(events[0].block, nullptr);
  EXPECT_TRUE(events[0].block->too_large());
  EXPECT_LT(events[0].block->size(), 20u);
}

}  // namespace
}  // namespace sluice::h2
