#include "proxy/exchange/websocket_frames.hpp"

#include <algorithm>

namespace sluice::exchange {

namespace {
constexpr unsigned char kMaskBit = 0x80, kLength = 0x7f, kOpcode = 0x0f, kClose = 0x8;
constexpr unsigned char kShort = 126, kLong = 127;  // lengths that stand behind in 2 and 8 bytes
}  // namespace

std::size_t WebSocketFrames::head_length() const {
  if (head_size_ < 2) return 2;
  const unsigned char length = head_[1] & kLength;
  return 2u + (length == kLong ? 8 : length == kShort ? 2 : 0) + (masked_ ? 4 : 0);
}

// Opcodes that nobody has defined, or a mask where none may be: these are no frames.
void WebSocketFrames::begin_payload() {
  const unsigned char opcode = head_[0] & kOpcode;
  const bool is_known = opcode <= 2 || (opcode >= kClose && opcode <= 10);
  is_framed_ = is_known && ((head_[1] & kMaskBit) != 0) == masked_;
  is_closed_ = is_closed_ || opcode == kClose;
  left_ = head_[1] & kLength;
  if (left_ >= kShort) {
    const std::size_t bytes = left_ == kShort ? 2 : 8;
    left_ = 0;
    for (std::size_t i = 0; i < bytes; ++i) left_ = left_ << 8 | head_[2 + i];
  }
  head_size_ = 0;
}

std::size_t WebSocketFrames::pass_some(std::string_view bytes) {
  if (!is_framed_) return bytes.size();
  std::size_t used = 0;
  if (left_ == 0) {
    while (head_size_ < head_length()) {
      if (used == bytes.size()) return used;
      head_[head_size_++] = static_cast<unsigned char>(bytes[used++]);
    }
    begin_payload();
  }
  const std::uint64_t payload = std::min<std::uint64_t>(left_, bytes.size() - used);
  left_ -= payload;
  return used + static_cast<std::size_t>(payload);
}

std::array<char, 8> client_goes_away(std::uint32_t mask) {
  std::array<char, 8> frame{'\x88', '\x82'};
  const unsigned char code[] = {0x03, 0xe9};
  for (std::size_t i = 0; i < 4; ++i) frame[2 + i] = static_cast<char>(mask >> (8 * i));
  for (std::size_t i = 0; i < 2; ++i)
    frame[6 + i] = static_cast<char>(code[i] ^ static_cast<unsigned char>(frame[2 + i]));
  return frame;
}

}  // namespace sluice::exchange
