// Where the frames of one direction of a WebSocket end (RFC 6455 5.2): only there can the proxy say something
// of its own. Looks at heads, never at what they carry. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::exchange {

class WebSocketFrames {
 public:
  enum class From : std::uint8_t { client, server };  // a client's frames are masked, a server's are not
  explicit WebSocketFrames(From from) : masked_(from == From::client) {}

  // The next bytes.
  void pass(std::string_view bytes) {
    while (!bytes.empty()) bytes.remove_prefix(pass_some(bytes));
  }
  // Of the next bytes those until a frame ends, or all; how many that were. Requires: not empty.
  std::size_t pass_some(std::string_view bytes);
  // Bytes that nobody has looked at. Requires: at most unseen().
  void skip(std::uint64_t bytes) {
    if (is_framed_) left_ -= bytes;
  }

  bool at_boundary() const { return is_framed_ && left_ == 0 && head_size_ == 0; }
  // What was passed can be frames.
  bool is_framed() const { return is_framed_; }
  // A Close frame has gone by: nothing may follow it.
  bool is_closed() const { return is_closed_; }
  // So many of the next bytes need not be looked at.
  std::uint64_t unseen() const { return is_framed_ ? left_ : UINT64_MAX; }

 private:
  std::size_t head_length() const;
  void begin_payload();

  const bool masked_;
  bool is_framed_ = true, is_closed_ = false;
  std::uint8_t head_size_ = 0;  // of a head that is not whole yet
  std::array<unsigned char, 14> head_{};
  std::uint64_t left_ = 0;  // of the present frame's payload
};

// A Close frame that says "going away" (1001, RFC 6455 7.4.1), as a server and as a client send it.
inline constexpr std::string_view kServerGoesAway{"\x88\x02\x03\xe9", 4};
std::array<char, 8> client_goes_away(std::uint32_t mask);

}  // namespace sluice::exchange
