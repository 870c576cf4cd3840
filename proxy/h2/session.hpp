// One connection's HTTP/2 without the connection: bytes in, events out; commands in, bytes out. Time comes in as
// an argument. Pure; worker only, since its memory is the thread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/h2/error_code.hpp"
#include "proxy/h2/field_block.hpp"
#include "proxy/h2/field_list.hpp"
#include "proxy/h2/glitches.hpp"
#include "proxy/h2/limits.hpp"

namespace sluice::h2 {

struct Event {
  enum class Kind : std::uint8_t {
    head,      // a request's, or an answer's (interim ones, too): `block`
    data,      // `data`, a piece of the body without padding, not empty
    trailers,  // `block`; the message ends with it
    end,       // the message ends without trailers, and neither head nor data had said so
    reset,     // the stream is over both ways, by the peer (`ours` false) or by a stream error of the peer's that
               // this side answered with RST_STREAM: `error`
    go_away,   // the peer's GOAWAY: `error`; `stream` is its last id. Streams above it come as `reset`, too
    settings,  // the peer's SETTINGS have come: peer_streams() and peer_tunnels() are known
    pong,      // the answer to ping()
    failed,    // the connection is over: this side's GOAWAY is in the output, and nothing is read any more
  };
  Kind kind = Kind::end;
  bool last = false;         // of head, data: the message ends with it, no `end` follows
  bool ours = false;         // of reset
  bool unprocessed = false;  // of reset: the peer says that it did nothing about the request (RFC 9113 8.7)
  StreamId stream = 0;
  ErrorCode error = ErrorCode::no_error;
  void* user = nullptr;  // from set_user() or open(), as it was when receive() was called or later
  std::string_view data = {};
  FieldBlock* block = nullptr;  // until release() or forget()
  const char* reason = "";      // of failed and of a reset that is ours: a literal, for logs and counters
};

// As many methods as HTTP/2 has commands.
//
// A stream of the server role begins with its `head`, of the client role with open(); it takes one of
// max_streams until forget(), however it ended. After `reset`, after reset() and after forget() it has no more
// events.
class Session {
 public:
  Session(Role role, const Limits& limits);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // --- in
  // What these bytes say, in order. All of them are taken. Events are valid until the next receive(); their
  // data point into `bytes`. A server's first bytes are the client's preface.
  // Commands may be given while the events are gone through; an event of a stream that was reset or forgotten
  // in between is still there: who forgets a stream must not use its `user` any more (check with is_known()).
  std::span<const Event> receive(std::string_view bytes, std::uint64_t now_ms);
  bool is_known(StreamId stream) const;  // has begun and is not forgotten
  void* user(StreamId stream) const;     // null when it is not known
  void set_user(StreamId stream, void* user);
  // These bytes of data went on: the peer may send as many more. Also for a stream that is over; each byte of
  // data once, else the connection runs dry. WINDOW_UPDATE goes for half a window at a time.
  void consumed(StreamId stream, std::size_t bytes);
  void release(StreamId stream, FieldBlock* block);  // the block is not needed any more

  // --- out, the client's role
  std::size_t room() const;  // streams that may be opened now
  // 0: none may be opened. `end`: no body follows.
  StreamId open(const FieldList& head, bool end, void* user);
  std::uint32_t peer_streams() const;  // the peer's limit; 1 before its SETTINGS
  bool peer_tunnels() const;           // SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441)

  // --- out, both roles. What is said of a stream that is over is left out.
  void send_interim(StreamId stream, const FieldList& head);
  // The final head; with `end` the message is whole (END_STREAM on HEADERS).
  void send_head(StreamId stream, const FieldList& head, bool end);
  // `piece` must last until unsent() is 0. Requires: unsent() is 0; not empty unless `last`.
  void send_data(StreamId stream, std::string_view piece, bool last);
  // Ends the message. Requires: unsent() is 0.
  void send_trailers(StreamId stream, const FieldList& trailers);
  std::size_t unsent(StreamId stream) const;  // bytes of the piece; 0 when the stream is over
  bool ended(StreamId stream) const;          // this side's END_STREAM has been produced, or the stream is over
  void reset(StreamId stream, ErrorCode code);
  // Nobody cares for the stream any more. What was said and needs no piece still goes out; a message that is
  // not whole is reset: with NO_ERROR when this side's is (RFC 9113 8.1), else with CANCEL.
  void forget(StreamId stream);

  void ping();
  void shutdown_notice();         // GOAWAY with id 2^31-1: no new streams, please (RFC 9113 6.8)
  void go_away(ErrorCode code);   // GOAWAY with the last id that was taken; later streams are ignored

  // Appends frames to `out` until it holds `most` bytes (a frame more at most): true; or until nothing more
  // can go, for windows or want of data: false. Streams take turns, 16 KiB at a time.
  bool produce(Buffer& out, std::size_t most);
  // Users of the streams whose piece went out whole, or whose end did, in the last produce(). Null for nobody.
  std::span<void* const> drained() const;
  bool wants_write() const;  // produce() would do something

  // --- how it stands
  bool failed() const;        // see Event::failed
  bool is_over() const;       // nothing is to be read or written any more: close
  std::size_t streams() const;  // that are known or still have something to say
  StreamId last_stream() const;  // the highest id that the peer opened; 0: none
  const GlitchCounts& glitches() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::h2
