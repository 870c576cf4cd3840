// The body of a stream's message on its way through: the bytes that have come, and the piece that was handed
// out last, for which the peer has no credit yet. Worker only.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "proxy/base/buffer.hpp"

namespace sluice::mux {

class Arrivals {
 public:
  void add(std::string_view bytes) { arrived_.append(bytes); }
  // All that was not handed out; valid until something is added.
  std::string_view waiting() const { return arrived_.view(); }
  bool empty() const { return arrived_.empty(); }
  // All that has come; it stays where it is until take_credit(). Requires: the last piece's credit was taken.
  std::string_view hand_out() {
    piece_.swap(arrived_);
    uncredited_ = piece_.size();
    return piece_.view();
  }
  bool is_handed_out() const { return uncredited_ > 0; }
  // The last piece has gone on: so many bytes more may come. Once for each piece.
  std::size_t take_credit() {
    piece_.release();
    return std::exchange(uncredited_, 0);
  }

 private:
  Buffer arrived_, piece_;
  std::size_t uncredited_ = 0;
};

}  // namespace sluice::mux
