// The streams on which a peer may send, as far as its own frames tell. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proxy/h2/error_code.hpp"

namespace sluice::h2 {

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
  // The place of the stream; open_.size() if it is not there.
  std::size_t find(StreamId id) const;
  void remove(std::size_t place) { open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(place)); }

  std::vector<Open> open_;         // by id
  mutable std::size_t found_ = 0;  // where the last one was: its frames follow each other, and so do answers
  std::size_t reset_ = 0;          // of them
  StreamId highest_ = 0;
  std::uint32_t opened_ = 0;
  // The last range of ids that was left out; ids rise by two, and nobody leaves out many.
  StreamId skipped_begin_ = 1, skipped_end_ = 1;
};

}  // namespace sluice::h2
