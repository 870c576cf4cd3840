// What a peer may send before it gets credit (RFC 9113 5.2): of a stream, or of all streams together. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "proxy/h2/frame.hpp"

namespace sluice::h2 {

class ReceiveWindow {
 public:
  explicit ReceiveWindow(std::uint32_t limit = kDefaultWindow) : limit_(limit) {}

  // So many bytes have come. False: more than the peer was allowed. An end without data always may come, also
  // where a window that has shrunk is below what came before.
  bool take(std::size_t bytes) {
    used_ += static_cast<std::uint32_t>(bytes);
    return bytes == 0 || used_ <= limit_;
  }
  // So many went on. How many the peer is to be told of: half a window at a time; 0: none now. Not while all
  // that is `expected` fits into the window as it is: the rest of a frame has its place there already, which
  // is why what has come and is `held` counts, and not what was taken.
  static constexpr std::int64_t kNoEnd = -1;
  std::uint32_t give_back(std::size_t bytes, std::int64_t expected = kNoEnd, std::size_t held = 0) {
    freed_ += static_cast<std::uint32_t>(bytes);
    const std::int64_t room = std::int64_t{limit_} - freed_ - static_cast<std::int64_t>(held);
    const bool fits = expected != kNoEnd && expected <= room;
    if (fits || freed_ < (limit_ + 1) / 2 || freed_ == 0) return 0;
    used_ -= freed_;
    return std::exchange(freed_, 0);
  }
  void set_limit(std::uint32_t limit) { limit_ = limit; }

 private:
  std::uint32_t limit_;      // at most kMaxWindow
  std::uint32_t used_ = 0;   // bytes that came and that the peer has no credit for again
  std::uint32_t freed_ = 0;  // of them, those that went on
};

}  // namespace sluice::h2
