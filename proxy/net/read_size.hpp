// How much a socket's next read brings at most, and what a buffer without memory gets for it: more for who
// sends much at once. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "proxy/base/buffer.hpp"

namespace sluice::net {

class ReadSize {
 public:
  // At most so many bytes at once.
  void limit(std::uint32_t bytes) {
    if (bytes == most_) return;
    most_ = bytes;
    room_ = std::min(Buffer::kSmall, most_room());
  }
  // A read is over: `many` bytes came at once, so that more are likely to come. A short one right behind has
  // brought the rest of them, and says nothing of the next message.
  void learn(bool many) {
    if (!many && !many_before_ && room_ <= Buffer::kSmall) return;  // as before, most of the time
    if (many || !many_before_) room_ = std::min(many ? Buffer::kLarge : Buffer::kSmall, most_room());
    many_before_ = many;
  }
  // What was much came by a pipe.
  void unlearn() {
    many_before_ = false;
    learn(false);
  }

  std::uint32_t most() const { return most_; }
  std::uint32_t room() const { return room_; }

 private:
  // What a buffer gets for so many bytes.
  std::uint32_t most_room() const {
    if (most_ <= Buffer::kTiny) return Buffer::kTiny;
    return most_ > Buffer::kSmall ? Buffer::kLarge : Buffer::kSmall;
  }

  std::uint32_t most_ = Buffer::kLarge;  // bytes
  std::uint32_t room_ = Buffer::kSmall;  // that the next one gets
  bool many_before_ = false;             // of the last read
};

}  // namespace sluice::net
