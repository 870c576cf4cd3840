#include "proxy/h2/frame_guard.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace sluice::h2 {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t kHeadSize = 9;
constexpr std::uint32_t kMaxFrame = 16 * 1024;  // SETTINGS_MAX_FRAME_SIZE is left at its default
constexpr std::uint32_t kMaxContinuations = 8;
constexpr std::uint32_t kMaxEmpty = 10;  // in a row
constexpr std::uint32_t kUpdatesPerStream = 2, kUpdatesPerData = 10;

// RFC 9113 6.
enum Type : std::uint8_t {
  data,
  headers,
  priority,
  rst_stream,
  settings,
  push_promise,
  ping,
  goaway,
  window_update,
  continuation,
  first_unknown
};
enum Flag : std::uint8_t { end_stream = 1, ack = 1, end_headers = 4, padded = 8 };

enum class On : std::uint8_t { stream, connection, either };
struct FrameRule {
  On on;
  std::uint32_t least, most, multiple_of;  // sizes of the payload
};

// In the order of Type.
constexpr FrameRule kRules[] = {
    {On::stream, 0, kMaxFrame, 1}, {On::stream, 0, kMaxFrame, 1},     {On::stream, 5, 5, 1},
    {On::stream, 4, 4, 1},         {On::connection, 0, kMaxFrame, 6}, {On::stream, 4, kMaxFrame, 1},
    {On::connection, 8, 8, 1},     {On::connection, 8, kMaxFrame, 1}, {On::either, 4, 4, 1},
    {On::stream, 0, kMaxFrame, 1},
};
static_assert(std::size(kRules) == first_unknown);

constexpr std::uint32_t big_endian(const char* bytes, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

}  // namespace

// --- streams

std::vector<PeerStreams::Open>::iterator PeerStreams::find(StreamId id) {
  return std::lower_bound(open_.begin(), open_.end(), id,
                          [](const Open& open, StreamId i) { return open.id < i; });
}
std::vector<PeerStreams::Open>::const_iterator PeerStreams::find(StreamId id) const {
  return const_cast<PeerStreams*>(this)->find(id);
}

PeerStreams::Kind PeerStreams::kind(StreamId id) const {
  if (id > highest_) return Kind::idle;
  const auto at = find(id);
  if (at != open_.end() && at->id == id) return Kind::open;
  return id >= skipped_begin_ && id < skipped_end_ ? Kind::skipped : Kind::ended;
}

void PeerStreams::open(StreamId id) {
  const StreamId expected = highest_ == 0 ? 1 : highest_ + 2;
  if (id > expected) skipped_begin_ = expected, skipped_end_ = id;
  highest_ = id;
  ++opened_;
  open_.push_back({id, false});
}

void PeerStreams::end(StreamId id) {
  const auto at = find(id);
  if (at == open_.end() || at->id != id) return;
  if (at->reset) --reset_;
  open_.erase(at);
}

void PeerStreams::reset(StreamId id) {
  const auto at = find(id);
  if (at == open_.end() || at->id != id || at->reset) return;
  at->reset = true;
  if (++reset_ <= kMostReset) return;
  open_.erase(std::find_if(open_.begin(), open_.end(), [](const Open& open) { return open.reset; }));
  --reset_;
}

// --- frames

FrameGuard::Verdict FrameGuard::read(std::string_view bytes, std::uint64_t now_ms, GlitchBudget& glitches) {
  const Clock clock{now_ms, glitches};
  for (std::size_t at = 0; at < bytes.size();) {
    switch (phase_) {
      case Phase::preface:
        if (bytes[at] != kPreface[have_]) return {at, ErrorCode::protocol_error, "preface"};
        ++at;
        if (++have_ == kPreface.size()) have_ = 0, phase_ = Phase::head;
        break;
      case Phase::head: {
        const std::size_t taken = std::min<std::size_t>(kHeadSize - have_, bytes.size() - at);
        std::memcpy(head_ + have_, bytes.data() + at, taken);
        have_ = static_cast<std::uint8_t>(have_ + taken);
        if (have_ < kHeadSize) return {bytes.size()};
        have_ = 0;
        const Head head = head_of(head_);
        if (const Flaw flaw = check(head, clock); flaw.error != ErrorCode::no_error)
          return {at, flaw.error, flaw.reason};
        at += taken;
        phase_ = begin_payload(head);
        break;
      }
      case Phase::pad_length: {
        // DATA of nothing but padding. With an end it says something.
        const std::uint32_t padding = static_cast<unsigned char>(bytes[at]);
        const bool ends = static_cast<unsigned char>(head_[4]) & end_stream;
        if (padding + 1 == left_ && !ends)
          if (const Flaw flaw = count_empty(clock); flaw.error != ErrorCode::no_error)
            return {at, flaw.error, flaw.reason};
        if (padding + 1 < left_) empty_in_a_row_ = 0;
        phase_ = Phase::payload;
        break;
      }
      case Phase::dependency:
        dependency_ = dependency_ << 8 | static_cast<unsigned char>(bytes[at]);
        if (left_ == 2 && static_cast<StreamId>(dependency_ & 0x7fffffff) == head_of(head_).stream)
          return {at, ErrorCode::protocol_error, "priority"};  // RFC 7540 5.3.1
        ++at;
        if (--left_ == 1) phase_ = Phase::payload;
        break;
      case Phase::payload: {
        const auto taken = std::min<std::size_t>(left_, bytes.size() - at);
        at += taken;
        left_ -= static_cast<std::uint32_t>(taken);
        if (left_ == 0) phase_ = Phase::head;
        break;
      }
    }
  }
  return {bytes.size()};
}

FrameGuard::Phase FrameGuard::begin_payload(const Head& head) {
  left_ = head.size;
  dependency_ = 0;
  if (left_ == 0) return Phase::head;
  if (head.type == priority) return Phase::dependency;
  return head.type == data && (head.flags & padded) ? Phase::pad_length : Phase::payload;
}

FrameGuard::Head FrameGuard::head_of(const char* bytes) {
  return {big_endian(bytes, 3), static_cast<std::uint8_t>(bytes[3]), static_cast<std::uint8_t>(bytes[4]),
          static_cast<StreamId>(big_endian(bytes + 5, 4) & 0x7fffffff)};
}

FrameGuard::Flaw FrameGuard::check(const Head& head, const Clock& clock) {
  if (head.size > kMaxFrame) return {ErrorCode::frame_size_error, "frame size"};
  if (const Flaw flaw = check_order(head); flaw.error != ErrorCode::no_error) return flaw;
  if (head.type >= first_unknown) return spend(Glitch::oddity, clock);
  const FrameRule& rule = kRules[head.type];
  if ((rule.on == On::stream && head.stream == 0) || (rule.on == On::connection && head.stream != 0))
    return {ErrorCode::protocol_error, "stream id"};
  if (head.size < rule.least || head.size > rule.most || head.size % rule.multiple_of != 0)
    return {ErrorCode::frame_size_error, "frame size"};
  if (head.stream != 0)
    if (const Flaw flaw = check_stream(head); flaw.error != ErrorCode::no_error) return flaw;
  return count(head, clock);
}

// SETTINGS come first (RFC 9113 3.4); nothing stands within a block (6.10).
FrameGuard::Flaw FrameGuard::check_order(const Head& head) {
  if (!settings_came_ && (head.type != settings || (head.flags & ack)))
    return {ErrorCode::protocol_error, "preface"};
  settings_came_ = true;
  const bool continues = head.type == continuation;
  if (continues != (block_ != 0) || (continues && head.stream != block_))
    return {ErrorCode::protocol_error, "continuation"};
  if (continues && ++continuations_ > kMaxContinuations)
    return {ErrorCode::enhance_your_calm, "continuations"};
  if (head.type == headers || continues) block_ = (head.flags & end_headers) ? 0 : head.stream;
  if (head.type == headers) continuations_ = 0;
  return {};
}

FrameGuard::Flaw FrameGuard::check_stream(const Head& head) {
  const PeerStreams::Kind kind = streams_.kind(head.stream);
  switch (head.type) {
    case headers:
      if (kind != PeerStreams::Kind::open) return open_or_trail(head);
      if (head.flags & end_stream) streams_.end(head.stream);
      return {};
    case data:
      if (kind == PeerStreams::Kind::idle || kind == PeerStreams::Kind::skipped)
        return {ErrorCode::protocol_error, "idle stream"};
      if (kind == PeerStreams::Kind::ended) return {ErrorCode::stream_closed, "closed stream"};
      if (head.flags & end_stream) streams_.end(head.stream);
      return {};
    case rst_stream:
      if (kind == PeerStreams::Kind::idle) return {ErrorCode::protocol_error, "idle stream"};
      streams_.end(head.stream);
      return {};
    case window_update:
      return kind == PeerStreams::Kind::idle ? Flaw{ErrorCode::protocol_error, "idle stream"} : Flaw{};
    case push_promise:
      return {ErrorCode::protocol_error, "push"};
    default:
      return {};
  }
}

// HEADERS on a stream that is not open.
FrameGuard::Flaw FrameGuard::open_or_trail(const Head& head) {
  const PeerStreams::Kind kind = streams_.kind(head.stream);
  if (kind == PeerStreams::Kind::ended) return {ErrorCode::stream_closed, "closed stream"};
  if (role_ == Role::client || kind == PeerStreams::Kind::skipped || head.stream % 2 == 0)
    return {ErrorCode::protocol_error, "stream id"};  // RFC 9113 5.1.1
  streams_.open(head.stream);
  window_updates_.add(kUpdatesPerStream);
  if (head.flags & end_stream)
    streams_.end(head.stream);
  else if (gone_away_)
    streams_.reset(head.stream);
  return {};
}

// What costs this side more than the peer.
FrameGuard::Flaw FrameGuard::count(const Head& head, const Clock& clock) {
  constexpr Flaw kFlood{ErrorCode::enhance_your_calm, "flood"};
  switch (head.type) {
    case data:
    case headers:
    case continuation:
      if (head.size == 0 && !(head.type != continuation && (head.flags & end_stream)))
        return count_empty(clock);
      if (!(head.flags & padded) || head.type == headers) empty_in_a_row_ = 0;
      return {};
    case priority:
      if (++empty_in_a_row_ > kMaxEmpty) return {ErrorCode::enhance_your_calm, "empty frames"};
      return spend(Glitch::oddity, clock);
    case settings:
    case ping:
      return (head.flags & ack) || acknowledged_.take(1, clock.now_ms) ? Flaw{} : kFlood;
    case window_update:
      return window_updates_.take(1, clock.now_ms) ? Flaw{} : kFlood;
    case goaway:
      return spend(Glitch::oddity, clock);
    default:
      return {};
  }
}

FrameGuard::Flaw FrameGuard::count_empty(const Clock& clock) {
  if (++empty_in_a_row_ > kMaxEmpty) return {ErrorCode::enhance_your_calm, "empty frames"};
  return spend(Glitch::empty, clock);
}

FrameGuard::Flaw FrameGuard::spend(Glitch kind, const Clock& clock) {
  if (clock.glitches.spend(kind, clock.now_ms)) return {};
  return {ErrorCode::enhance_your_calm, name_of(kind).data()};
}

bool FrameGuard::in_block() const {
  const Head head = head_of(head_);
  const bool in_frame = phase_ == Phase::payload && (head.type == headers || head.type == continuation);
  return block_ != 0 || in_frame;
}

void FrameGuard::data_sent() {
  window_updates_.add(kUpdatesPerData);
  acknowledged_.add(1);  // gRPC measures with PING what it is sent
}

}  // namespace sluice::h2
