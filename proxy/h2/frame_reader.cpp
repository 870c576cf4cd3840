#include "proxy/h2/frame_reader.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::h2 {
namespace {

constexpr std::size_t kPriority = 5;  // a dependency and a weight (RFC 9113 6.2, 6.3)

std::string_view take(std::string_view& bytes, std::size_t size) {
  const auto taken = bytes.substr(0, size);
  bytes.remove_prefix(taken.size());
  return taken;
}

// Of a frame whose payload is handed on as it comes.
bool flows(FrameType type) {
  return type == FrameType::data || type == FrameType::headers || type == FrameType::continuation;
}

}  // namespace

FrameReader::Verdict FrameReader::read(std::string_view bytes, const FrameGuard::Clock& clock,
                                       FrameSink& sink) {
  const std::size_t size = bytes.size();
  while (!bytes.empty() && phase_ != Phase::stopped) {
    const std::size_t at = size - bytes.size();
    FrameFlaw flaw;
    switch (phase_) {
      case Phase::preface:
        flaw = read_preface(bytes);
        break;
      case Phase::head:
        flaw = read_head(bytes, clock, sink);
        break;
      case Phase::pad_length:
        flaw = read_pad_length(bytes, clock, sink);
        break;
      case Phase::priority:
        flaw = read_priority(bytes, sink);
        break;
      case Phase::payload:
        read_payload(bytes, sink);
        break;
      case Phase::padding:
        read_padding(bytes, sink);
        break;
      case Phase::stopped:
        break;
    }
    if (flaw) {
      phase_ = Phase::stopped;
      return {at, flaw};
    }
  }
  return {size - bytes.size(), {}};
}

FrameFlaw FrameReader::read_preface(std::string_view& bytes) {
  if (take(bytes, 1)[0] != kPreface[have_]) return {ErrorCode::protocol_error, "preface"};
  if (++have_ == kPreface.size()) have_ = 0, phase_ = Phase::head;
  return {};
}

FrameFlaw FrameReader::read_head(std::string_view& bytes, const FrameGuard::Clock& clock, FrameSink& sink) {
  const auto piece = take(bytes, kFrameHeadSize - have_);
  const char* head = piece.data();
  if (piece.size() < kFrameHeadSize) {
    std::memcpy(head_bytes_ + have_, piece.data(), piece.size());
    have_ = static_cast<std::uint8_t>(have_ + piece.size());
    if (have_ < kFrameHeadSize) return {};
    head = head_bytes_;
  }
  have_ = 0;
  head_ = read_frame_head(head);
  if (const FrameFlaw flaw = guard_.check(head_, clock)) return flaw;
  left_ = head_.size;
  padding_ = 0;
  phase_ = Phase::payload;
  if (!sink.on_frame(head_)) return go_on(false), FrameFlaw{};
  const bool pads = head_.type == FrameType::data || head_.type == FrameType::headers;
  if (pads && head_.has(flag::padded) && left_ == 0) return {ErrorCode::frame_size_error, "padding"};
  if (pads && head_.has(flag::padded))
    phase_ = Phase::pad_length;
  else
    begin_payload(sink);
  return {};
}

FrameFlaw FrameReader::read_pad_length(std::string_view& bytes, const FrameGuard::Clock& clock,
                                       FrameSink& sink) {
  padding_ = static_cast<unsigned char>(take(bytes, 1)[0]);
  if (padding_ >= left_) return {ErrorCode::protocol_error, "padding"};  // RFC 9113 6.1
  left_ -= padding_ + 1;
  if (head_.type == FrameType::data) {
    if (const FrameFlaw flaw = guard_.check_padding(head_, padding_ + 1, clock)) return flaw;
    if (!sink.on_padding(head_, padding_ + 1)) return go_on(false), FrameFlaw{};
  }
  begin_payload(sink);
  return {};
}

// Behind the length of the padding.
void FrameReader::begin_payload(FrameSink& sink) {
  const bool prior =
      head_.type == FrameType::priority || (head_.type == FrameType::headers && head_.has(flag::priority));
  if (prior)
    phase_ = Phase::priority;
  else
    begin_content(sink);
}

// Behind the priority.
void FrameReader::begin_content(FrameSink& sink) {
  phase_ = Phase::payload;
  if (left_ == 0) end_content(sink);
}

void FrameReader::end_content(FrameSink& sink) {
  phase_ = Phase::padding;
  if (padding_ == 0) end_frame(sink);
}

// A stream must not depend on itself (RFC 7540 5.3.1). Nothing else is made of it (RFC 9113 5.3.2).
FrameFlaw FrameReader::read_priority(std::string_view& bytes, FrameSink& sink) {
  if (left_ + have_ < kPriority) return {ErrorCode::frame_size_error, "priority"};
  const auto piece = take(bytes, kPriority - have_);
  std::memcpy(begin_ + have_, piece.data(), piece.size());
  have_ = static_cast<std::uint8_t>(have_ + piece.size());
  left_ -= static_cast<std::uint32_t>(piece.size());
  if (have_ < kPriority) return {};
  have_ = 0;
  if (static_cast<StreamId>(read_number(begin_, 4) & 0x7fffffff) == head_.stream)
    return {ErrorCode::protocol_error, "priority"};
  begin_content(sink);
  return {};
}

void FrameReader::read_payload(std::string_view& bytes, FrameSink& sink) {
  const auto piece = take(bytes, left_);
  left_ -= static_cast<std::uint32_t>(piece.size());
  if (!(flows(head_.type) ? sink.on_payload(head_, piece) : collect(piece, sink))) return go_on(false);
  if (left_ == 0) end_content(sink);
}

void FrameReader::read_padding(std::string_view& bytes, FrameSink& sink) {
  padding_ -= static_cast<std::uint32_t>(take(bytes, padding_).size());
  if (padding_ == 0) end_frame(sink);
}

bool FrameReader::collect(std::string_view piece, FrameSink& sink) {
  const std::size_t most = head_.type == FrameType::settings ? kSettingSize : sizeof begin_;
  while (!piece.empty() && have_ < most) {
    const auto part = take(piece, most - have_);
    std::memcpy(begin_ + have_, part.data(), part.size());
    have_ = static_cast<std::uint8_t>(have_ + part.size());
    if (head_.type != FrameType::settings || have_ < kSettingSize) continue;
    have_ = 0;
    if (!sink.on_setting(static_cast<Setting>(read_number(begin_, 2)), read_number(begin_ + 2, 4)))
      return false;
  }
  return true;
}

void FrameReader::end_frame(FrameSink& sink) {
  have_ = 0;
  phase_ = Phase::head;
  go_on(sink.on_frame_end(head_, begin_));
}

bool FrameReader::in_block() const {
  const bool of_block = head_.type == FrameType::headers || head_.type == FrameType::continuation;
  return guard_.in_block() || (of_block && phase_ != Phase::head && phase_ != Phase::stopped);
}

}  // namespace sluice::h2
