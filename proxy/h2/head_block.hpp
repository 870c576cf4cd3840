// A head on its way out of a connection: the sink of fields of HTTP/2 (see proxy/http/forward.hpp) that
// encodes each as it is said, behind room for the head of its frame. Names become lower case. Worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/hpack/encoder.hpp"
#include "proxy/http/message.hpp"

namespace sluice::h2 {

class HeadBlock {
 public:
  HeadBlock(hpack::Encoder& encoder, Buffer& out) : encoder_(encoder), out_(out) {}
  HeadBlock(const HeadBlock&) = delete;
  HeadBlock& operator=(const HeadBlock&) = delete;

  // Begins a block at the end of what goes out.
  void start();
  std::size_t size() const { return out_.size() - begin_; }  // without the frame's head

  void field(std::string_view name, std::string_view value);
  void field(std::string_view name, std::uint64_t value);  // Requires: the name is in lower case
  // A field that goes on as it came.
  void pass(const http::Field& field);
  // Requires: the name is in lower case.
  void lower_field(std::string_view name, std::string_view value, bool never_indexed = false);
  // A field whose value comes in parts.
  void begin(std::string_view name);
  template <class... Parts>
  void put(const Parts&... parts) {
    (put_text(parts), ...);
  }
  void end();

 private:
  void put_text(std::string_view text);

  hpack::Encoder& encoder_;
  Buffer& out_;
  std::size_t begin_ = 0;  // of the block, in what goes out
  std::string_view name_;  // of the field whose parts come
};

}  // namespace sluice::h2
