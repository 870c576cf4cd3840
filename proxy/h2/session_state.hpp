// What stands behind a Session: nghttp2's session, the streams, and what both have to say. nghttp2 calls back
// from within receive() and produce(); what it says is noted here and acted on afterwards. Worker only.
#pragma once

#include <utility>
#include <vector>

#include "proxy/h2/block_check.hpp"
#include "proxy/h2/event_queue.hpp"
#include "proxy/h2/frame_guard.hpp"
#include "proxy/h2/library_session.hpp"
#include "proxy/h2/session.hpp"
#include "proxy/h2/stream_table.hpp"

namespace sluice::h2 {

// Many methods: nghttp2's callbacks and the commands that need more than a line. session_input.cpp has those
// of receiving, session_output.cpp those of sending.
class SessionState {
 public:
  SessionState(Role session_role, const Limits& session_limits);

  // --- receiving
  void receive(std::string_view bytes);
  void on_begin_headers(const nghttp2_frame& frame);
  void on_field(StreamId id, std::string_view name, std::string_view value);
  void on_data(StreamId id, std::string_view data);
  void on_frame(const nghttp2_frame& frame);
  void on_invalid_frame(const nghttp2_frame& frame, int library_error);

  // --- sending
  bool produce(Buffer& to, std::size_t bytes);
  ssize_t on_read(StreamId id, std::size_t most, std::uint32_t& flags);
  int on_send_data(StreamId id, const std::uint8_t* frame_head, std::size_t size);
  void on_sent(const nghttp2_frame& frame);
  void on_request_sent(StreamId id);
  void on_goaway_sent(const nghttp2_goaway& frame);
  void on_reset_sent(const nghttp2_rst_stream& frame);
  void on_not_sent(const nghttp2_frame& frame);

  // --- the end of a stream or of all
  void on_close(StreamId id, std::uint32_t error);
  void forget(Stream& stream);
  void reset(Stream& stream, ErrorCode code);
  void stream_error(Stream& stream, ErrorCode code, const char* reason);
  void refuse(StreamId id);
  void fail(ErrorCode code, const char* reason);
  void glitch(Glitch kind);
  void end_stream(Stream& stream);  // both ways, without an event
  void remove_if_done(Stream& stream);
  void set_drained(Stream& stream);
  void give_credit(Stream& stream, std::size_t bytes);

  const Role role;
  const Limits limits;
  const LibrarySession library;
  std::size_t held_fields = 0;  // the storage of all blocks; above `streams`, which own them
  StreamTable streams;
  EventQueue events;
  FrameGuard guard;
  GlitchBudget budget;
  std::uint32_t resets = 0;  // by the peer
  std::uint64_t now_ms = 0;
  enum class Life : std::uint8_t {
    good,
    failed,  // GOAWAY is to go
    broken,  // not even that
  } life = Life::good;
  enum class Leaving : std::uint8_t { no, in_peace, with_error } leaving = Leaving::no;  // by go_away()
  StreamId last_taken = 0;  // that GOAWAY spared; it must not rise (RFC 9113 6.8)
  StreamId last_stream = 0;

  // While produce() runs.
  Buffer* out = nullptr;
  std::size_t most = 0;
  std::uint32_t round = 0;  // counts produce()
  std::vector<void*> drained;
  bool announced = false;

 private:
  void begin_stream(StreamId id);
  Stream* listener(StreamId id);
  void on_headers(const nghttp2_headers& frame);
  void on_head(Stream& stream, bool last);
  void on_trailers(Stream& stream, bool last);
  void on_end(Stream& stream);
  void on_reset(const nghttp2_rst_stream& frame);
  void feed(std::string_view bytes);
  FieldBlock* hand_on(Stream& stream);
  bool takes(Stream& stream, std::size_t bytes);
  void announce_limit(Buffer& to, std::size_t frame_size);
};

}  // namespace sluice::h2
