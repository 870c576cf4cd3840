#include "proxy/h2/frame_guard.hpp"

#include <iterator>

namespace sluice::h2 {
namespace {

constexpr std::uint32_t kMaxContinuations = 8;
constexpr std::uint32_t kMaxEmpty = 10;  // in a row
constexpr std::uint32_t kUpdatesPerStream = 2, kUpdatesPerData = 10;

enum class On : std::uint8_t { stream, connection, either };
struct FrameRule {
  On on;
  std::uint32_t least, most, multiple_of;  // sizes of the payload
};

// In the order of FrameType.
constexpr FrameRule kRules[] = {
    {On::stream, 0, kMaxFrameSize, 1},
    {On::stream, 0, kMaxFrameSize, 1},
    {On::stream, 5, 5, 1},
    {On::stream, 4, 4, 1},
    {On::connection, 0, kMaxFrameSize, 6},
    {On::stream, 4, kMaxFrameSize, 1},
    {On::connection, 8, 8, 1},
    {On::connection, 8, kMaxFrameSize, 1},
    {On::either, 4, 4, 1},
    {On::stream, 0, kMaxFrameSize, 1},
};
static_assert(std::size(kRules) == kFrameTypes);

}  // namespace

FrameFlaw FrameGuard::check(const FrameHead& head, const Clock& clock) {
  if (head.size > kMaxFrameSize) return {ErrorCode::frame_size_error, "frame size"};
  if (const FrameFlaw flaw = check_order(head); flaw) return flaw;
  if (static_cast<std::size_t>(head.type) >= kFrameTypes) return spend(Glitch::oddity, clock);
  const FrameRule& rule = kRules[static_cast<std::size_t>(head.type)];
  if ((rule.on == On::stream && head.stream == 0) || (rule.on == On::connection && head.stream != 0))
    return {ErrorCode::protocol_error, "stream id"};
  if (head.size < rule.least || head.size > rule.most || head.size % rule.multiple_of != 0)
    return {ErrorCode::frame_size_error, "frame size"};
  if (head.stream != 0)
    if (const FrameFlaw flaw = check_stream(head); flaw) return flaw;
  return count(head, clock);
}

// SETTINGS come first (RFC 9113 3.4); nothing stands within a block (6.10).
FrameFlaw FrameGuard::check_order(const FrameHead& head) {
  if (!settings_came_ && (head.type != FrameType::settings || head.has(flag::ack)))
    return {ErrorCode::protocol_error, "preface"};
  settings_came_ = true;
  const bool continues = head.type == FrameType::continuation;
  if (continues != (block_ != 0) || (continues && head.stream != block_))
    return {ErrorCode::protocol_error, "continuation"};
  if (continues && ++continuations_ > kMaxContinuations)
    return {ErrorCode::enhance_your_calm, "continuations"};
  if (head.type == FrameType::headers || continues) block_ = head.has(flag::end_headers) ? 0 : head.stream;
  if (head.type == FrameType::headers) continuations_ = 0;
  return {};
}

FrameFlaw FrameGuard::check_stream(const FrameHead& head) {
  const PeerStreams::Kind kind = streams_.kind(head.stream);
  switch (head.type) {
    case FrameType::headers:
      if (kind != PeerStreams::Kind::open) return open_or_trail(head);
      if (head.has(flag::end_stream)) streams_.end(head.stream);
      return {};
    case FrameType::data:
      if (kind == PeerStreams::Kind::idle || kind == PeerStreams::Kind::skipped)
        return {ErrorCode::protocol_error, "idle stream"};
      if (kind == PeerStreams::Kind::ended) return {ErrorCode::stream_closed, "closed stream"};
      if (head.has(flag::end_stream)) streams_.end(head.stream);
      return {};
    case FrameType::rst_stream:
      if (kind == PeerStreams::Kind::idle) return {ErrorCode::protocol_error, "idle stream"};
      streams_.end(head.stream);
      return {};
    case FrameType::window_update:
      return kind == PeerStreams::Kind::idle ? FrameFlaw{ErrorCode::protocol_error, "idle stream"}
                                             : FrameFlaw{};
    case FrameType::push_promise:
      return {ErrorCode::protocol_error, "push"};
    case FrameType::priority:
    case FrameType::settings:
    case FrameType::ping:
    case FrameType::goaway:
    case FrameType::continuation:
    default:
      return {};
  }
}

// HEADERS on a stream that is not open.
FrameFlaw FrameGuard::open_or_trail(const FrameHead& head) {
  const PeerStreams::Kind kind = streams_.kind(head.stream);
  if (kind == PeerStreams::Kind::ended) return {ErrorCode::stream_closed, "closed stream"};
  if (role_ == Role::client || kind == PeerStreams::Kind::skipped || head.stream % 2 == 0)
    return {ErrorCode::protocol_error, "stream id"};  // RFC 9113 5.1.1
  streams_.open(head.stream);
  window_updates_.add(kUpdatesPerStream);
  if (head.has(flag::end_stream))
    streams_.end(head.stream);
  else if (gone_away_)
    streams_.reset(head.stream);
  return {};
}

// What costs this side more than the peer.
FrameFlaw FrameGuard::count(const FrameHead& head, const Clock& clock) {
  constexpr FrameFlaw kFlood{ErrorCode::enhance_your_calm, "flood"};
  switch (head.type) {
    case FrameType::data:
    case FrameType::headers:
    case FrameType::continuation:
      if (head.size == 0 && !(head.type != FrameType::continuation && head.has(flag::end_stream)))
        return count_empty(clock);
      if (!head.has(flag::padded) || head.type == FrameType::headers) empty_in_a_row_ = 0;
      return {};
    case FrameType::priority:
      if (++empty_in_a_row_ > kMaxEmpty) return {ErrorCode::enhance_your_calm, "empty frames"};
      return spend(Glitch::oddity, clock);
    case FrameType::settings:
    case FrameType::ping:
      return head.has(flag::ack) || acknowledged_.take(1, clock.now_ms) ? FrameFlaw{} : kFlood;
    case FrameType::window_update:
      return window_updates_.take(1, clock.now_ms) ? FrameFlaw{} : kFlood;
    case FrameType::goaway:
      return spend(Glitch::oddity, clock);
    case FrameType::rst_stream:
    case FrameType::push_promise:
    default:
      return {};
  }
}

// DATA of nothing but padding. With an end it says something.
FrameFlaw FrameGuard::check_padding(const FrameHead& head, std::uint32_t padding, const Clock& clock) {
  if (padding < head.size) empty_in_a_row_ = 0;
  return padding == head.size && !head.has(flag::end_stream) ? count_empty(clock) : FrameFlaw{};
}

FrameFlaw FrameGuard::count_empty(const Clock& clock) {
  if (++empty_in_a_row_ > kMaxEmpty) return {ErrorCode::enhance_your_calm, "empty frames"};
  return spend(Glitch::empty, clock);
}

FrameFlaw FrameGuard::spend(Glitch kind, const Clock& clock) {
  if (clock.glitches.spend(kind, clock.now_ms)) return {};
  return {ErrorCode::enhance_your_calm, name_of(kind).data()};
}

void FrameGuard::data_sent() {
  window_updates_.add(kUpdatesPerData);
  acknowledged_.add(1);  // gRPC measures with PING what it is sent
}

}  // namespace sluice::h2
