// What a peer may send before it gets credit (RFC 9113 5.2): of a stream, or of all streams together. Pure.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proxy/h2/frame.hpp"

namespace sluice::h2 {

class ReceiveWindow {
 public:
  explicit ReceiveWindow(std::int64_t limit = kDefaultWindow) : limit_(limit) {}

  // So many bytes have come. False: more than the peer was allowed. An end without data always may come, also
  // where a window that has shrunk is below what came before.
  bool take(std::size_t bytes) {
    used_ += static_cast<std::int64_t>(bytes);
    return bytes == 0 || used_ <= limit_;
  }
  // So many went on. How many the peer is to be told of: half a window at a time; 0: none now. Not while all
  // that is `expected` fits into the window as it is: the rest of a frame has its place there already, which
  // is why what has come and is `held` counts, and not what was taken.
  static constexpr std::int64_t kNoEnd = -1;
  std::uint32_t give_back(std::size_t bytes, std::int64_t expected = kNoEnd, std::size_t held = 0) {
    freed_ += static_cast<std::int64_t>(bytes);
    const bool fits = expected != kNoEnd && expected <= limit_ - freed_ - static_cast<std::int64_t>(held);
    if (fits || freed_ * 2 < limit_ || freed_ == 0) return 0;
    const auto told = static_cast<std::uint32_t>(freed_);
    used_ -= freed_;
    freed_ = 0;
    return told;
  }
  void set_limit(std::int64_t limit) { limit_ = limit; }

 private:
  std::int64_t limit_;
  std::int64_t used_ = 0;   // bytes that came and that the peer has no credit for again
  std::int64_t freed_ = 0;  // of them, those that went on
};

}  // namespace sluice::h2
