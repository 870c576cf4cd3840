// What a peer has said on a connection, one thing at a time. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/h2/error_code.hpp"
#include "proxy/h2/field_block.hpp"

namespace sluice::h2 {

struct Event {
  enum class Kind : std::uint8_t {
    head,      // a request's, or an answer's (interim ones, too): `block`, sound in form (block_check.hpp)
    data,      // `data`, a piece of the body without padding, not empty
    trailers,  // `block`; the message ends with it
    end,       // the message ends without trailers, and neither head nor data had said so
    reset,  // the stream is over both ways, by the peer, or (`ours`) by this side's RST_STREAM for a mistake
            // of the peer's: `error`
    go_away,   // the peer's GOAWAY: `error`; `stream` is its last id. Streams above it come as `reset`, too
    settings,  // the peer's SETTINGS: room() and peer_tunnels() may have changed
    pong,      // the answer to ping()
    failed,    // the connection is over: this side's GOAWAY is to be produced, and nothing is read any more
  };
  Kind kind = Kind::end;
  bool last = false;         // of head, data: the message ends with it, and no `end` follows
  bool more = false;         // of data: it is not all of its frame, whose rest the peer has begun to send
  bool ours = false;         // of reset
  bool unprocessed = false;  // of reset: the peer says that it did nothing about the request (RFC 9113 8.7)
  ErrorCode error = ErrorCode::no_error;
  StreamId stream = 0;
  std::int32_t next_of_stream = -1;  // the session's own
  // From set_user() or open(); it follows a set_user() that comes while the events are gone through, and is
  // null from forget() on.
  void* user = nullptr;
  std::string_view data = {};   // points into the bytes that receive() was given
  FieldBlock* block = nullptr;  // until release() or forget()
  const char* reason = "";      // of failed, and of a reset that is ours: a literal, for logs and counters
};

}  // namespace sluice::h2
