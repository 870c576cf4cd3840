// What of an HTTP/1 answer is still to be sent: its head, its body framed for this client, its end. Sends
// nothing itself. Pure; worker only.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/base/pipe.hpp"
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
  // The same of a piece that lies in a pipe and goes behind unsent().
  void add_piped(Pipe& piece, bool last);
  // Adds the end of the message, with trailers where the framing has a place for them. As add().
  bool add_end(std::span<const http::Field> trailers);

  // Gathers what was added, and what is left of it after a send.
  std::span<iovec>& unsent() { return unsent_; }
  // Null: nothing goes behind unsent().
  Pipe* piped() const { return piped_; }
  // unsent() and what is in the pipe have gone. True: something follows, a copy, which is unsent() now.
  bool after_piped();
  // All of it has gone, or never will.
  void clear() {
    unsent_ = {};
    piped_ = nullptr;
    copied_.clear();
  }
  void release() { copied_.release(); }

 private:
  std::string_view frame(std::size_t size, bool last);
  void gather(std::string_view piece, std::string_view ending);

  Buffer copied_;
  http1::Framing framing_ = http1::Framing::none;
  iovec pieces_[3];
  std::span<iovec> unsent_;
  Pipe* piped_ = nullptr;
  std::string_view ending_;  // what goes behind the pipe's bytes
};

}  // namespace sluice::client
