// The messages of gRPC as they stand in a body, each behind five bytes: what is compressed, and its length.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/http/message.hpp"

namespace sluice::grpc_web {

constexpr std::size_t kPrefix = 5;

// Follows a body from message to message.
class MessageBounds {
 public:
  void add(std::string_view bytes);
  // No message is begun and not ended: another one may follow, and trailers may.
  bool between() const { return seen_ == 0 && left_ == 0; }

 private:
  std::size_t seen_ = 0;      // of the next message's prefix
  std::uint32_t length_ = 0;  // as far as it was seen
  std::uint64_t left_ = 0;    // of the message under way
};

// Appends the frame that ends a body of gRPC-Web: what would be trailers, as lines.
void write_trailer_frame(std::span<const http::Field> trailers, Buffer& out);

}  // namespace sluice::grpc_web
