// Reads a message's body, however it is framed. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/http1/chunked.hpp"
#include "proxy/http1/message.hpp"

namespace sluice::http1 {

class BodyReader {
 public:
  void start(Framing framing, std::uint64_t length);

  // The next piece at the front of `in`. Call again with the rest until it says `more` (read on) or `done`.
  // Once done() holds, nothing more is consumed: no extra call is needed to learn it.
  BodyStep next(std::string_view in);
  // So many of the bytes that come next are the body's, whatever they are. 0: they have to be looked at.
  std::uint64_t known() const {
    switch (framing_) {
      case Framing::none:
        return 0;
      case Framing::length:
        return left_;
      case Framing::chunked:
        return chunks_.known();
      case Framing::until_close:
        return UINT64_MAX;
    }
    return 0;
  }
  // They came, and went another way. Requires: `size` is at most known().
  void skip(std::uint64_t size) {
    if (framing_ == Framing::length) left_ -= size;
    if (framing_ == Framing::chunked) chunks_.skip(size);
  }
  bool done() const {
    switch (framing_) {
      case Framing::none:
        return true;
      case Framing::length:
        return left_ == 0;
      case Framing::chunked:
        return chunks_.done();
      case Framing::until_close:
        return false;
    }
    return true;
  }
  // The peer's EOF is the regular end (close-delimited); otherwise an EOF before done() means the message is
  // cut short.
  bool ends_at_eof() const { return framing_ == Framing::until_close; }
  // Of a chunked body, after done.
  std::span<const http::Field> trailers() const { return chunks_.trailers(); }
  Refusal refusal() const { return chunks_.refusal(); }

 private:
  Framing framing_ = Framing::none;
  std::uint64_t left_ = 0;
  ChunkedDecoder chunks_;
};

}  // namespace sluice::http1
