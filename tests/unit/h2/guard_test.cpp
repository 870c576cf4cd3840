// Frames are read and judged without a session; the glitch budget alone.
#include <gtest/gtest.h>

#include "proxy/h2/frame_reader.hpp"
#include "unit/h2/peer.hpp"

namespace sluice::h2 {
namespace {

struct Seen {
  std::size_t good = 0;
  ErrorCode error = ErrorCode::no_error;
  std::string reason;
  bool operator==(const Seen&) const = default;
};
void PrintTo(const Seen& seen, std::ostream* out) {
  *out << seen.good << " " << name_of(seen.error) << " " << seen.reason;
}

// A reader whose frames nobody wants.
class Guard final : private FrameSink {
 public:
  explicit Guard(Role role = Role::server) : reader_(role) {}
  FrameReader::Verdict read(std::string_view bytes) { return reader_.read(bytes, {1000, glitches_}, *this); }
  bool takes(std::string_view bytes) { return !read(bytes).flaw; }
  FrameGuard* operator->() { return &reader_.guard(); }

 private:
  bool on_frame(const FrameHead&) override { return true; }
  bool on_payload(const FrameHead&, std::string_view) override { return true; }
  bool on_padding(const FrameHead&, std::uint32_t) override { return true; }
  bool on_setting(Setting, std::uint32_t) override { return true; }
  bool on_frame_end(const FrameHead&, const char*) override { return true; }

  FrameReader reader_;
  GlitchBudget glitches_{1000, 33};
};

// Where the first bad frame begins, and why; the bytes come in pieces that end at `cuts`.
Seen guard(std::string_view bytes, const std::vector<std::size_t>& cuts = {}, Role role = Role::server) {
  Guard guard(role);
  if (role == Role::client) guard->opened(1);
  std::size_t at = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : bytes.size();
    const auto verdict = guard.read(bytes.substr(at, end - at));
    if (verdict.flaw) return {at + verdict.good, verdict.flaw.error, verdict.flaw.reason};
    EXPECT_EQ(verdict.good, end - at);
    at = end;
  }
  return {at, ErrorCode::no_error, ""};
}

constexpr auto kOk = ErrorCode::no_error;
constexpr auto kProtocol = ErrorCode::protocol_error;
constexpr auto kClosed = ErrorCode::stream_closed;
constexpr auto kSize = ErrorCode::frame_size_error;
constexpr auto kCalm = ErrorCode::enhance_your_calm;

std::string head(StreamId id, bool end = false, bool whole = true) {
  return frame(kHeaders, static_cast<std::uint8_t>((end ? kEndStream : 0) | (whole ? kEndHeaders : 0)), id,
               "x");
}
std::string many(const std::string& text, int times) {
  std::string all;
  while (times-- > 0) all += text;
  return all;
}

struct Case {
  const char* name;
  std::string bytes;  // behind the preface
  ErrorCode error;
};

std::vector<Case> cases() {
  const std::string ended = head(1, true);
  const std::string reset = Peer::reset(1, ErrorCode::cancel);
  return {
      {"a request", head(1) + Peer::data(1, "abc", false) + Peer::data(1, "", true), kOk},
      {"trailers", head(1) + Peer::data(1, "abc", false) + head(1, true), kOk},
      {"streams side by side", head(1) + head(3) + Peer::data(1, "a", true) + Peer::data(3, "b", true), kOk},
      {"RST_STREAM and WINDOW_UPDATE on a closed stream", ended + reset + Peer::window(1, 5), kOk},
      {"DATA behind END_STREAM", ended + Peer::data(1, "a", false), kClosed},
      {"HEADERS behind END_STREAM", ended + head(1, true), kClosed},
      {"DATA behind RST_STREAM", head(1) + reset + Peer::data(1, "a", false), kClosed},
      {"HEADERS behind RST_STREAM", head(1) + reset + head(1, true), kClosed},
      {"DATA on an idle stream", Peer::data(1, "a", false), kProtocol},
      {"RST_STREAM on an idle stream", Peer::reset(3, ErrorCode::cancel), kProtocol},
      {"WINDOW_UPDATE on an idle stream", Peer::window(3, 1), kProtocol},
      {"an id that goes backwards", head(5, true) + head(3, true), kProtocol},
      {"an even id", head(2, true), kProtocol},
      {"PUSH_PROMISE", head(1) + frame(kPushPromise, kEndHeaders, 1, number(2)), kProtocol},
      {"stream 0", frame(kHeaders, kEndHeaders, 0, "x"), kProtocol},
      {"a stream that has PING", frame(kPing, 0, 1, "12345678"), kProtocol},
      {"a frame within a block", head(1, true, false) + frame(kPing, 0, 0, "12345678"), kProtocol},
      {"CONTINUATION of another block", head(1, true, false) + frame(kContinuation, kEndHeaders, 3, "x"),
       kProtocol},
      {"CONTINUATION without a block", frame(kContinuation, kEndHeaders, 1, "x"), kProtocol},
      {"8 CONTINUATIONs",
       head(1, true, false) + many(frame(kContinuation, 0, 1, "x"), 7) +
           frame(kContinuation, kEndHeaders, 1, "x"),
       kOk},
      {"9 CONTINUATIONs", head(1, true, false) + many(frame(kContinuation, 0, 1, "x"), 9), kCalm},
      {"a short PING", frame(kPing, 0, 0, "1"), kSize},
      {"SETTINGS of 5 bytes", frame(kSettings, 0, 0, "12345"), kSize},
      {"a short GOAWAY", frame(kGoAway, 0, 0, "1234"), kSize},
      {"a long frame", frame(kData, 0, 1, std::string(16385, 'x')), kSize},
      {"10 empty DATA", head(1) + many(Peer::data(1, "", false), 10) + Peer::data(1, "a", false), kOk},
      {"11 empty DATA", head(1) + many(Peer::data(1, "", false), 11), kCalm},
      {"11 DATA of padding", head(1) + many(frame(kData, kPadded, 1, std::string("\3\0\0\0", 4)), 11), kCalm},
      {"padded DATA", head(1) + many(frame(kData, kPadded, 1, std::string("\2a\0\0", 4)), 30), kOk},
      {"11 PRIORITY", many(frame(kPriority, 0, 3, "12345"), 11), kCalm},
      {"PRIORITY that depends on itself", frame(kPriority, 0, 3, number(0x80000003) + "x"), kProtocol},
      {"PRIORITY that depends on another", frame(kPriority, 0, 3, number(1) + "x") + head(1, true), kOk},
      {"600 PINGs", many(frame(kPing, 0, 0, "12345678"), 599), kOk},
      {"601 PINGs", many(frame(kPing, 0, 0, "12345678"), 600), kCalm},
      {"PING answers", many(frame(kPing, kAck, 0, "12345678"), 2000), kOk},
      {"100 WINDOW_UPDATEs", many(Peer::window(0, 1), 100), kOk},
      {"101 WINDOW_UPDATEs", many(Peer::window(0, 1), 101), kCalm},
      {"1000 unknown frames", many(frame(0xfa, 0, 0, "x"), 1000), kOk},
      {"1001 unknown frames", many(frame(0xfa, 0, 0, "x"), 1001), kCalm},
  };
}

TEST(H2Guard, Judges) {
  for (const Case& c : cases()) EXPECT_EQ(guard(Peer::preface() + c.bytes).error, c.error) << c.name;
}

TEST(H2Guard, EverythingBeforeTheBadFrameIsGood) {
  const std::string good = Peer::preface() + head(1, true);
  EXPECT_EQ(guard(good + Peer::data(1, "a", false) + head(3)).good, good.size());
}

TEST(H2Guard, WantsThePrefaceAndSettings) {
  EXPECT_EQ(guard("PRI * HTTP/2.0\r\n\r\nSM\r\n\rx").error, kProtocol);
  EXPECT_EQ(guard("GET / HTTP/1.1\r\n").error, kProtocol);
  EXPECT_EQ(guard("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + head(1)).error, kProtocol);
  EXPECT_EQ(guard("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(kSettings, kAck, 0, "")).error, kProtocol);
  EXPECT_EQ(guard(Peer::preface()).error, kOk);
}

TEST(H2Guard, TheVerdictDoesNotDependOnTheCuts) {
  for (const Case& c : cases()) {
    const std::string bytes = Peer::preface() + c.bytes;
    const Seen whole = guard(bytes);
    std::vector<std::size_t> all;
    for (std::size_t at = 1; at < bytes.size(); ++at) all.push_back(at);
    // Byte by byte a bad frame's head has begun to be read.
    const Seen by_bytes = guard(bytes, all);
    EXPECT_EQ(by_bytes.error, whole.error) << c.name;
    EXPECT_EQ(by_bytes.reason, whole.reason) << c.name;
    if (bytes.size() > 700) continue;
    for (const std::size_t at : all) {
      const Seen cut = guard(bytes, {at});
      EXPECT_EQ(cut.error, whole.error) << c.name << " cut at " << at;
      EXPECT_EQ(cut.reason, whole.reason) << c.name << " cut at " << at;
      if (at <= whole.good || at >= whole.good + 9) {
        EXPECT_EQ(cut, whole) << c.name << " cut at " << at;
      }
    }
  }
}

TEST(H2Guard, WhatComesLateForAStreamThatWasResetIsNotWrong) {
  Guard guard;
  EXPECT_TRUE(guard.takes(Peer::preface() + head(1)));
  guard->reset(1);
  EXPECT_TRUE(guard.takes(Peer::data(1, "late", false) + head(1, true)));
  EXPECT_EQ(guard.read(Peer::data(1, "too late", false)).flaw.error, kClosed);
}

TEST(H2Guard, RemembersSoManyResetStreamsOnly) {
  Guard guard;
  EXPECT_TRUE(guard.takes(Peer::preface()));
  for (StreamId id = 1; id < 1 + 2 * 257; id += 2) {
    EXPECT_TRUE(guard.takes(head(id)));
    guard->reset(id);
  }
  EXPECT_TRUE(guard.takes(Peer::data(3, "late", false)));
  EXPECT_EQ(guard.read(Peer::data(1, "late", false)).flaw.error, kClosed);
}

TEST(H2Guard, RemembersSoManyStreamsAfterGoAwayOnly) {
  Guard guard;
  guard->gone_away();
  EXPECT_TRUE(guard.takes(Peer::preface()));
  for (StreamId id = 1; id < 1 + 2 * 257; id += 2) EXPECT_TRUE(guard.takes(head(id)));
  EXPECT_EQ(guard.read(Peer::data(1, "late", false)).flaw.error, kClosed);
}

TEST(H2Guard, AServersFrames) {
  const std::string settings = frame(kSettings, 0, 0, "");
  const auto say = [&](const std::string& bytes) { return guard(settings + bytes, {}, Role::client).error; };
  EXPECT_EQ(say(head(1) + head(1) + Peer::data(1, "a", true)), kOk);
  EXPECT_EQ(say(head(3)), kProtocol);
  EXPECT_EQ(say(head(2)), kProtocol);
  EXPECT_EQ(say(head(1, true) + Peer::data(1, "a", false)), kClosed);
  EXPECT_EQ(say(head(1, true) + Peer::reset(1, ErrorCode::no_error)), kOk);
  EXPECT_EQ(say(frame(kPushPromise, kEndHeaders, 1, number(2))), kProtocol);
}

TEST(H2Guard, DataThatIsSentMayBeAnswered) {
  Guard guard;
  EXPECT_TRUE(guard.takes(Peer::preface() + many(Peer::window(0, 1), 100)));
  guard->data_sent();
  EXPECT_TRUE(guard.takes(many(Peer::window(0, 1), 10)));
  EXPECT_EQ(guard.read(Peer::window(0, 1)).flaw.error, kCalm);
}

TEST(H2Glitches, TheBudgetRunsFullAgain) {
  GlitchBudget budget(100, 10);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(budget.spend(Glitch::stream_error, 5000));
  EXPECT_FALSE(budget.spend(Glitch::oddity, 5000));
  EXPECT_FALSE(budget.spend(Glitch::stream_error, 5900));  // 9 came back
  EXPECT_TRUE(budget.spend(Glitch::stream_error, 6900));
  EXPECT_TRUE(budget.spend(Glitch::oddity, UINT64_MAX - 1));
  EXPECT_EQ(budget.counts()[static_cast<std::size_t>(Glitch::stream_error)], 12u);
  EXPECT_EQ(budget.counts()[static_cast<std::size_t>(Glitch::oddity)], 2u);
  EXPECT_EQ(name_of(Glitch::stream_error), "stream_error");
}

}  // namespace
}  // namespace sluice::h2
