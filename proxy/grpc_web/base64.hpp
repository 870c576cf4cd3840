// Base64 (RFC 4648 4) as gRPC-Web's texts use it: each piece is padded to a whole, and wholes follow one
// another. Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include "proxy/base/buffer.hpp"

namespace sluice::grpc_web {

// Appends `bytes`, padded.
void encode_base64(std::string_view bytes, Buffer& out);

// Reads a text that may be cut anywhere.
class Base64Decoder {
 public:
  // Appends what `text` says. False: it is no base64, and nothing more is read. One text says it only: no
  // blanks, no bits behind the last byte.
  bool decode(std::string_view text, Buffer& out);
  // The text may end here.
  bool is_whole() const { return count_ == 0; }

 private:
  bool end_group(Buffer& out);

  unsigned char group_[4];
  std::size_t count_ = 0;  // of group_
};

}  // namespace sluice::grpc_web
