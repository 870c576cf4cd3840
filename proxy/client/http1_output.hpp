// What of an HTTP/1 answer is still to be sent: its head, its body framed for this client, its end. Sends
// nothing itself. Pure; worker only.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/http/message.hpp"
#include "proxy/http1/message.hpp"

namespace sluice::client {

class Http1Output {
 public:
  // Where heads are printed.
  Buffer& heads() { return copied_; }
  void begin_body(http1::Framing framing) { framing_ = framing; }

  // Adds a piece of the body, with `last` the end of the message. A long piece is not copied: it must last
  // until all is sent. True: all that is to be sent is a copy. Requires: unsent() is empty.
  bool add(std::string_view piece, bool last);
  // Adds the end of the message, with trailers where the framing has a place for them. As add().
  bool add_end(std::span<const http::Field> trailers);

  // Gathers what was added, and what is left of it after a send.
  std::span<iovec>& unsent() { return unsent_; }
  // All of it has gone, or never will.
  void clear() {
    unsent_ = {};
    copied_.clear();
  }
  void release() { copied_.release(); }

 private:
  void gather(std::string_view piece, std::string_view ending);

  Buffer copied_;
  http1::Framing framing_ = http1::Framing::none;
  iovec pieces_[3];
  std::span<iovec> unsent_;
};

}  // namespace sluice::client
