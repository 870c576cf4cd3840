// How many streams a connection's backend bears at once, as far as it has shown by refusing some (RFC 9113
// 8.7) or asking for calm: node does that when its memory for a session is used up, whatever its SETTINGS
// say. Falls to what it
// has kept, and rises by one with as many that ended well, as TCP's window does (RFC 5681 3.1). Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace sluice::upstream {

class StreamLimit {
 public:
  std::size_t most() const { return most_; }
  // It refused some, and has kept so many. One that has none has not refused for its streams' number.
  void refused(std::size_t kept) {
    if (kept == 0) return;
    most_ = std::min(most_, kept);
    ended_ = 0;
  }
  void ended_well() {
    if (most_ == kNone || ++ended_ < most_) return;
    ++most_;
    ended_ = 0;
  }

 private:
  static constexpr std::size_t kNone = SIZE_MAX;
  std::size_t most_ = kNone;
  std::size_t ended_ = 0;  // since most_ changed
};

}  // namespace sluice::upstream
