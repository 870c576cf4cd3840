#include "proxy/h2/frame_writer.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::h2 {
namespace {

constexpr std::size_t kMostBlock = 128 * 1024;  // bytes of a block of fields

// Whether it is the stream's turn only to learn that what it said last was its end.
bool has_ended(const Stream& stream) { return stream.out == Half::ending && !stream.last; }

}  // namespace

// Clients are far away; to a backend the bytes cost less than their code.
FrameWriter::FrameWriter(Role role, const Limits& limits)
    : encoder_(role == Role::server ? hpack::Strings::huffman : hpack::Strings::plain) {
  if (role == Role::client) out_.append(kPreface);
  put_settings(role, limits);
  if (limits.connection_window > kDefaultWindow) give_credit(0, limits.connection_window - kDefaultWindow);
}

// --- control

void FrameWriter::put_head(std::uint32_t size, FrameType type, std::uint8_t flags, StreamId stream) {
  out_.reserve(kFrameHeadSize + size);
  write_frame_head({size, type, flags, stream}, out_.room());
  out_.commit(kFrameHeadSize);
  ++queued_;
}

void FrameWriter::put_number(std::uint32_t value) {
  char bytes[4];
  write_number(value, sizeof bytes, bytes);
  out_.append({bytes, sizeof bytes});
}

void FrameWriter::put_settings(Role role, const Limits& limits) {
  put_head((role == Role::server ? 5 : 3) * kSettingSize, FrameType::settings, 0, 0);
  if (role == Role::server)
    put_setting(Setting::max_concurrent_streams, limits.max_streams);
  else
    put_setting(Setting::enable_push, 0);
  put_setting(Setting::initial_window_size, limits.stream_window);
  put_setting(Setting::max_header_list_size, limits.max_header_list);
  if (role == Role::client) return;
  put_setting(Setting::enable_connect_protocol, 1);
  put_setting(Setting::no_rfc7540_priorities, 1);
}

void FrameWriter::put_setting(Setting name, std::uint32_t value) {
  char bytes[2];
  write_number(static_cast<std::uint32_t>(name), sizeof bytes, bytes);
  out_.append({bytes, sizeof bytes});
  put_number(value);
}

void FrameWriter::acknowledge_settings() {
  put_head(0, FrameType::settings, flag::ack, 0);
  ++acknowledgements_;
}

void FrameWriter::acknowledge_ping(const char* eight_bytes) {
  put_head(8, FrameType::ping, flag::ack, 0);
  out_.append({eight_bytes, 8});
  ++acknowledgements_;
}

void FrameWriter::ping() {
  put_head(8, FrameType::ping, 0, 0);
  out_.append(std::string_view("\0\0\0\0\0\0\0\0", 8));
}

void FrameWriter::go_away(StreamId last, ErrorCode code) {
  put_head(8, FrameType::goaway, 0, 0);
  put_number(static_cast<std::uint32_t>(last));
  put_number(static_cast<std::uint32_t>(code));
}

void FrameWriter::reset(StreamId stream, ErrorCode code) {
  put_head(4, FrameType::rst_stream, 0, stream);
  put_number(static_cast<std::uint32_t>(code));
}

void FrameWriter::give_credit(StreamId stream, std::uint32_t bytes) {
  put_head(4, FrameType::window_update, 0, stream);
  put_number(bytes);
}

// --- heads

bool FrameWriter::write(StreamId stream, const FieldSpan& fields, bool end) {
  const std::size_t bound = hpack::kBlockStart + hpack::encoded_bound(fields.text().size(), fields.size());
  if (bound > kMostBlock) return false;
  out_.reserve(kFrameHeadSize + bound);
  HeadBlock& head = begin_head();
  for (std::size_t i = 0; i < fields.size(); ++i)
    head.lower_field(fields.name(i), fields.value(i), fields.form(i).never_indexed);
  end_head(stream, end);
  return true;
}

HeadBlock& FrameWriter::begin_head() {
  head_.start();
  return head_;
}

void FrameWriter::end_head(StreamId stream, bool end) {
  const std::size_t size = head_.size();
  if (size > kMaxFrameSize) return split(size, stream, end);
  const std::uint8_t flags = flag::end_headers | (end ? flag::end_stream : 0);
  write_frame_head({static_cast<std::uint32_t>(size), FrameType::headers, flags, stream},
                   out_.room() - size - kFrameHeadSize);
}

// A block of that size stands behind the room for one frame's head; the last of its frames moves first.
void FrameWriter::split(std::size_t size, StreamId stream, bool end) {
  const std::size_t last = (size - 1) / kMaxFrameSize;
  out_.reserve(last * kFrameHeadSize);
  char* const begin = out_.room() - size - kFrameHeadSize;
  for (std::size_t i = last + 1; i-- > 0;) {
    const std::size_t part = std::min<std::size_t>(kMaxFrameSize, size - i * kMaxFrameSize);
    char* const to = begin + i * (kFrameHeadSize + kMaxFrameSize);
    std::memmove(to + kFrameHeadSize, begin + kFrameHeadSize + i * kMaxFrameSize, part);
    const std::uint8_t flags = (i == last ? flag::end_headers : 0) | (i == 0 && end ? flag::end_stream : 0);
    const FrameType type = i == 0 ? FrameType::headers : FrameType::continuation;
    write_frame_head({static_cast<std::uint32_t>(part), type, flags, stream}, to);
  }
  out_.commit(last * kFrameHeadSize);
}

// --- data

void FrameWriter::schedule(Stream& stream) {
  if (stream.turn.list) return;
  const bool starves = window_ <= 0 && !stream.piece.empty();
  (starves ? starved_ : ready_).push_back(stream);
}

void FrameWriter::unschedule(Stream& stream) {
  if (stream.turn.list) stream.turn.list->remove(stream);
}

Stream* FrameWriter::next() {
  while (!ready_.empty()) {
    Stream& stream = ready_.pop_front();
    if (stream.piece.empty() && (stream.last || has_ended(stream))) return &stream;
    if (stream.piece.empty() || stream.window <= 0) continue;  // what widens the window brings it back
    if (window_ > 0) return &stream;
    starved_.push_back(stream);
  }
  return nullptr;
}

void FrameWriter::write_data(Stream& stream) {
  const auto room = static_cast<std::size_t>(std::max<std::int64_t>(0, std::min(window_, stream.window)));
  const std::size_t size = std::min({stream.piece.size(), room, std::size_t{kMostData}});
  const bool end = stream.last && size == stream.piece.size();
  out_.reserve(kFrameHeadSize + size);
  write_frame_head({static_cast<std::uint32_t>(size), FrameType::data,
                    end ? flag::end_stream : std::uint8_t{0}, stream.id},
                   out_.room());
  out_.commit(kFrameHeadSize);
  out_.append(stream.piece.substr(0, size));
  stream.piece.remove_prefix(size);
  stream.window -= static_cast<std::int64_t>(size);
  window_ -= static_cast<std::int64_t>(size);
}

bool FrameWriter::widen(std::uint32_t bytes) {
  window_ += bytes;
  while (window_ > 0 && !starved_.empty()) ready_.push_back(starved_.pop_front());
  return window_ <= kMaxWindow;
}

void FrameWriter::flush(Buffer& to) {
  queued_ = acknowledgements_ = 0;
  if (out_.empty()) return;
  if (!to.empty()) {
    to.append(out_.view());
    return out_.release();
  }
  to.release();
  to.swap(out_);
}

}  // namespace sluice::h2
