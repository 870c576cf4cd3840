// Judges the heads of a peer's frames: whether they stand where they may, on streams where they may, and
// whether they are a flood (PING, SETTINGS, WINDOW_UPDATE, empty frames). Pure.
#pragma once

#include <cstdint>

#include "proxy/h2/frame.hpp"
#include "proxy/h2/glitches.hpp"
#include "proxy/h2/peer_streams.hpp"

namespace sluice::h2 {

// What ends a connection.
struct FrameFlaw {
  ErrorCode error = ErrorCode::no_error;
  const char* reason = "";  // a literal
  explicit operator bool() const { return error != ErrorCode::no_error; }
};

class FrameGuard {
 public:
  struct Clock {
    std::uint64_t now_ms;
    GlitchBudget& glitches;
  };

  explicit FrameGuard(Role role) : role_(role) {}

  FrameFlaw check(const FrameHead& head, const Clock& clock);
  // Of a frame of DATA that is padded: of its payload so many bytes are.
  FrameFlaw check_padding(const FrameHead& head, std::uint32_t padding, const Clock& clock);

  void opened(StreamId id) { streams_.open(id); }  // by this side, in the client's role
  void reset(StreamId id) { streams_.reset(id); }  // by this side
  void gone_away() { gone_away_ = true; }          // what the peer opens from here on is ignored
  void data_sent();                                // a DATA frame of this side's: answers to it may come
  void give_back() { streams_.give_back(); }       // memory that can be had anew
  bool in_block() const { return block_ != 0; }    // CONTINUATION is to come
  std::uint32_t streams_opened() const { return streams_.opened(); }

 private:
  FrameFlaw check_order(const FrameHead& head);
  FrameFlaw check_stream(const FrameHead& head);
  FrameFlaw open_or_trail(const FrameHead& head);
  FrameFlaw count(const FrameHead& head, const Clock& clock);
  FrameFlaw count_empty(const Clock& clock);
  static FrameFlaw spend(Glitch kind, const Clock& clock);

  Role role_;
  bool settings_came_ = false;
  bool gone_away_ = false;
  StreamId block_ = 0;  // the stream whose block is not at its end; 0: none
  std::uint32_t continuations_ = 0, empty_in_a_row_ = 0;
  PeerStreams streams_;
  TokenBucket acknowledged_{600, 10};  // frames that are to be acknowledged
  TokenBucket window_updates_{1000, 10, 100};
};

}  // namespace sluice::h2
