// The guard in front of nghttp2: reads the heads of all frames, refuses what nghttp2 lets pass (frames on
// streams that are closed, ids that go backwards), and counts what it does not (PING, SETTINGS,
// WINDOW_UPDATE, empty frames). The verdict on a sequence of bytes does not depend on how they were cut.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/h2/error_code.hpp"
#include "proxy/h2/glitches.hpp"

namespace sluice::h2 {

// The streams on which the peer may send, as far as its own frames tell.
class PeerStreams {
 public:
  enum class Kind : std::uint8_t {
    idle,     // not yet opened
    skipped,  // never opened, and too late now
    open,     // the peer has not ended it
    ended,    // it has
  };
  Kind kind(StreamId id) const;
  // Requires: `id` is higher than all before.
  void open(StreamId id);
  void end(StreamId id);
  // This side has reset it: the peer may not know yet, or may never send an end. Of such a few are
  // remembered.
  void reset(StreamId id);
  void give_back() { open_.shrink_to_fit(); }
  std::uint32_t opened() const { return opened_; }

 private:
  static constexpr std::size_t kMostReset = 256;
  struct Open {
    StreamId id;
    bool reset;
  };
  std::vector<Open>::iterator find(StreamId id);
  std::vector<Open>::const_iterator find(StreamId id) const;

  std::vector<Open> open_;  // by id
  std::size_t reset_ = 0;   // of them
  StreamId highest_ = 0;
  std::uint32_t opened_ = 0;
  // The last range of ids that was left out; ids rise by two, and nobody leaves out many.
  StreamId skipped_begin_ = 1, skipped_end_ = 1;
};

class FrameGuard {
 public:
  struct Verdict {
    std::size_t good = 0;  // bytes that are fine to be read
    ErrorCode error = ErrorCode::no_error;
    const char* reason = "";  // of an error: a literal
    bool refused() const { return error != ErrorCode::no_error; }
  };

  explicit FrameGuard(Role role) : role_(role), phase_(role == Role::server ? Phase::preface : Phase::head) {}

  // Reads on. After an error the connection is over.
  Verdict read(std::string_view bytes, std::uint64_t now_ms, GlitchBudget& glitches);

  void opened(StreamId id) { streams_.open(id); }  // by this side, in the client's role
  void reset(StreamId id) { streams_.reset(id); }  // by this side
  void gone_away() { gone_away_ = true; }          // what the peer opens from here on is ignored
  void data_sent();                                // a DATA frame of this side's: answers to it may come
  void give_back() { streams_.give_back(); }       // memory that can be had anew
  bool in_block() const;                           // the rest of a block of fields is still to come
  std::uint32_t streams_opened() const { return streams_.opened(); }

 private:
  enum class Phase : std::uint8_t { preface, head, pad_length, dependency, payload };
  struct Head {
    std::uint32_t size;
    std::uint8_t type, flags;
    StreamId stream;
  };
  struct Flaw {
    ErrorCode error = ErrorCode::no_error;
    const char* reason = "";
  };
  struct Clock {
    std::uint64_t now_ms;
    GlitchBudget& glitches;
  };

  static Head head_of(const char* bytes);
  Flaw check(const Head& head, const Clock& clock);
  Phase begin_payload(const Head& head);
  Flaw check_order(const Head& head);
  Flaw check_stream(const Head& head);
  Flaw open_or_trail(const Head& head);
  Flaw count(const Head& head, const Clock& clock);
  Flaw count_empty(const Clock& clock);
  static Flaw spend(Glitch kind, const Clock& clock);

  Role role_;
  Phase phase_;
  std::uint8_t have_ = 0;  // bytes of the preface or of the frame's head
  char head_[9] = {};
  std::uint32_t left_ = 0;        // of the frame's payload
  std::uint32_t dependency_ = 0;  // of PRIORITY, as far as it has come
  bool settings_came_ = false;
  bool gone_away_ = false;
  StreamId block_ = 0;  // the stream whose block is not at its end; 0: none
  std::uint32_t continuations_ = 0, empty_in_a_row_ = 0;
  PeerStreams streams_;
  TokenBucket acknowledged_{600, 10};  // frames that are to be acknowledged
  TokenBucket window_updates_{1000, 10, 100};
};

}  // namespace sluice::h2
