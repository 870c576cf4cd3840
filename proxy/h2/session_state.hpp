// What stands behind a Session: the streams, what the peer's frames mean for them, and what is said on them.
// Worker only.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/h2/block_check.hpp"
#include "proxy/h2/event_queue.hpp"
#include "proxy/h2/frame_reader.hpp"
#include "proxy/h2/frame_writer.hpp"
#include "proxy/h2/session.hpp"
#include "proxy/h2/stream_table.hpp"
#include "proxy/hpack/decoder.hpp"

namespace sluice::h2 {

// What the peer has said of itself.
struct PeerSettings {
  std::uint32_t max_streams = 1;  // at once; until its SETTINGS have come one is tried
  bool came = false;
  bool tunnels = false;       // RFC 8441
  std::uint32_t entries = 0;  // of the SETTINGS that are being read
};

// How the connection comes to its end.
struct Departure {
  bool failed = false;  // GOAWAY is to go, or is gone
  enum class Own : std::uint8_t { none, in_peace, with_error } own = Own::none;  // by go_away()
  bool of_peer = false;                                                          // by its GOAWAY
  StreamId last_taken = 0;  // that ours spared; it must not rise (RFC 9113 6.8)
};

// What produce() is told, and tells.
struct Production {
  std::uint32_t number = 0;    // of calls so far
  std::size_t ahead = 0;       // see Session::make_ahead()
  std::vector<void*> drained;  // see Session::drained()
};

// Many methods: a frame's kinds and the commands that need more than a line. session_input.cpp has those of
// receiving, session_output.cpp those of sending. The streams share windows, tables, ids and the order of
// what is said.
class SessionState final : private FrameSink {
 public:
  SessionState(Role session_role, const Limits& session_limits);

  void receive(std::string_view bytes);
  bool produce(Buffer& to, std::size_t most);

  StreamId open(const FieldSpan& head, bool end, void* user);
  Stream& add_stream(bool is_head, void* user);  // of this side's
  HeadBlock* begin_head(Stream& stream);
  void end_head(Stream& stream, bool end);
  void send_data(Stream& stream, std::string_view piece, bool last);
  void send_trailers(Stream& stream, const FieldSpan& trailers);
  void send_head(Stream& stream, const FieldSpan& head, bool end);
  void send_interim(Stream& stream, const FieldSpan& head);
  void forget(Stream& stream);
  void reset(Stream& stream, ErrorCode code);
  void give_credit(Stream& stream, std::size_t bytes);
  void go_away(ErrorCode code);
  void fail(ErrorCode code, const char* reason);
  std::uint32_t stream_window() const { return own_.stream_window; }

  const Role role;
  const Limits limits;
  std::size_t held_fields = 0;  // the storage of all blocks; above `streams`, which own them
  StreamTable streams;
  EventQueue events;
  FrameReader reader;
  FrameWriter writer;
  GlitchBudget budget;
  PeerSettings peer;
  std::uint64_t now_ms = 0;
  Departure departure;
  StreamId last_stream = 0;  // the highest that the peer opened
  StreamId next_stream = 1;  // that this side would open
  Production production;

 private:
  // --- receiving
  bool on_frame(const FrameHead& head) override;
  bool on_payload(const FrameHead& head, std::string_view piece) override;
  bool on_padding(const FrameHead& head, std::uint32_t bytes) override;
  bool on_setting(Setting name, std::uint32_t value) override;
  bool on_frame_end(const FrameHead& head, const char* begin) override;

  void begin_block(const FrameHead& head);
  void begin_stream(StreamId id);
  void refuse(StreamId id);
  void decode(std::string_view piece);
  void end_block();
  void on_head(Stream& stream, bool last);
  void on_trailers(Stream& stream, bool last);
  void begin_data(const FrameHead& head);
  void on_data(StreamId id, std::string_view data);
  bool takes(Stream& stream, std::size_t bytes);
  void on_end(StreamId id);
  void on_reset(StreamId id, ErrorCode code);
  void on_goaway(StreamId last, ErrorCode code);
  void on_window_update(StreamId id, std::uint32_t bytes);
  void on_settings_end(bool acknowledges);
  void set_initial_window(std::uint32_t bytes);
  FieldBlock* hand_on(Stream& stream);
  Stream* listener(StreamId id);
  void ignore_data(std::size_t bytes);

  // --- sending
  void say_end(Stream& stream);
  bool write_frame(Stream& stream);
  void end_out(Stream& stream);
  void give_stream_credit(Stream& stream, std::size_t bytes);
  void set_drained(Stream& stream);

  // --- the end of a stream
  void stream_error(Stream& stream, ErrorCode code, const char* reason);
  void end_stream(Stream& stream);  // both ways, without an event
  void settle(Stream& stream);      // it may be over: then it is destroyed if nobody cares for it
  void glitch(Glitch kind);

  // The block of fields that is being read.
  struct Block {
    hpack::Decoder decoder;
    StreamId stream = 0;
    bool ends_stream = false;
  };
  // The peer has these of ours from its acknowledgement on.
  struct OwnSettings {
    std::uint32_t stream_window = kDefaultWindow;
    bool pending = true;
  };

  Block block_;
  OwnSettings own_;
  ReceiveWindow receive_window_;  // of all streams together
  std::uint32_t resets_ = 0;      // by the peer
};

}  // namespace sluice::h2
