// What goes out on a connection: frames of control and heads in the order in which they were said, and data,
// for which the streams take turns. Worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/h2/field_span.hpp"
#include "proxy/h2/frame.hpp"
#include "proxy/h2/head_block.hpp"
#include "proxy/h2/limits.hpp"
#include "proxy/h2/turn_list.hpp"
#include "proxy/hpack/encoder.hpp"

namespace sluice::h2 {

class FrameWriter {
 public:
  // Says the preface: SETTINGS and the connection's window.
  FrameWriter(Role role, const Limits& limits);

  // --- control
  void acknowledge_settings();
  void acknowledge_ping(const char* eight_bytes);
  void ping();
  void go_away(StreamId last, ErrorCode code);
  void reset(StreamId stream, ErrorCode code);
  void give_credit(StreamId stream, std::uint32_t bytes);  // 0: the connection's
  // Frames of control that were said since the last flush(), and those of them that only acknowledge.
  std::size_t queued() const { return queued_; }
  std::size_t acknowledgements() const { return acknowledgements_; }

  // --- heads and trailers. False: they are too large.
  bool write(StreamId stream, const FieldSpan& fields, bool end);
  // The same of fields as they are said. Nothing else is said between the two.
  HeadBlock& begin_head();
  void end_head(StreamId stream, bool end);

  // --- data
  // The stream has something to say, or what it has said was its end: it gets its turn.
  void schedule(Stream& stream);
  static void unschedule(Stream& stream);
  // Whose turn it is; null: nobody can say anything.
  Stream* next();
  // It is the stream's turn at once: no other waits for one, and there is room.
  bool is_free(const Stream& stream) const { return ready_.empty() && (window_ > 0 || stream.piece.empty()); }
  // A frame of the stream's data, its end with it if `piece` ends with it. What went leaves `piece`.
  void write_data(Stream& stream);

  // --- what the peer allows
  std::int64_t window() const { return window_; }
  std::int64_t initial_window() const { return initial_window_; }
  void set_initial_window(std::uint32_t bytes) { initial_window_ = bytes; }
  void set_table_size(std::uint32_t bytes) { encoder_.set_table_size(bytes); }
  bool widen(std::uint32_t bytes);  // the connection's window; false: it is too wide

  // Moves all frames that were made to the end of `to`.
  void flush(Buffer& to);
  std::size_t ready() const { return out_.size(); }  // bytes of them
  bool has_something() const { return !out_.empty() || !ready_.empty(); }

 private:
  void put_head(std::uint32_t size, FrameType type, std::uint8_t flags, StreamId stream);
  void put_number(std::uint32_t value);
  void put_settings(Role role, const Limits& limits);
  void put_setting(Setting name, std::uint32_t value);
  void split(std::size_t size, StreamId stream, bool end);

  Buffer out_;
  std::size_t queued_ = 0, acknowledgements_ = 0;
  hpack::Encoder encoder_;
  HeadBlock head_{encoder_, out_};
  std::int64_t window_ = kDefaultWindow;  // bytes of data that the peer takes, of all streams
  std::int64_t initial_window_ = kDefaultWindow;
  TurnList ready_;
  TurnList starved_;  // the connection's window has no room for them
};

}  // namespace sluice::h2
