// One connection's HTTP/2 without the connection: bytes in, events out; commands in, bytes out. Time comes in
// as an argument. Pure but for its memory, which is the thread's: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/h2/error_code.hpp"
#include "proxy/h2/event.hpp"
#include "proxy/h2/field_list.hpp"
#include "proxy/h2/glitches.hpp"
#include "proxy/h2/head_block.hpp"
#include "proxy/h2/limits.hpp"

namespace sluice::h2 {

class SessionState;

// As many methods as HTTP/2 has commands.
//
// A stream of the server role begins with its `head`, of the client role with open(). It takes one of
// max_streams until forget() and until its end went out, however it ended (rapid reset, CVE-2023-44487,
// CVE-2025-8671). After `reset`, after reset() and after forget() it has no more events.
class Session {
 public:
  Session(Role role, const Limits& limits);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // --- in
  // What these bytes say, in order. All of them are taken; a server's first are the client's preface.
  // Commands may be given while the events are gone through. Valid until the next receive().
  std::span<const Event> receive(std::string_view bytes, std::uint64_t now_ms);
  // Null: none was set, or the stream is not known (any more).
  void* user(StreamId stream) const;
  void set_user(StreamId stream, void* user);
  // So many bytes of the stream's data went on: the peer may send as many more. WINDOW_UPDATE goes for half a
  // window at a time. What was not given back when a stream is forgotten is then.
  void consumed(StreamId stream, std::size_t bytes);
  void release(StreamId stream, FieldBlock* block);  // before forget(), if it is large

  // --- out, the client's role
  std::size_t room() const;  // streams that may be opened now: the peer's limit, 1 before its SETTINGS
  // 0: none may be opened. `end`: nothing follows.
  StreamId open(const FieldList& head, bool end, void* user);
  // The same in two steps, as the head is said: where to, or null; then its end. Nothing else is said
  // between.
  HeadBlock* begin_open();
  StreamId end_open(bool is_head, bool end, void* user);  // is_head: it is a HEAD
  bool spent() const;                                     // ids run out: no further stream will be opened
  bool peer_tunnels() const;                              // SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441)

  // --- out. What is said of a stream that is over goes nowhere.
  void send_interim(StreamId stream, const FieldList& head);
  // The final head; with `end` the message is whole (END_STREAM on HEADERS).
  void send_head(StreamId stream, const FieldList& head, bool end);
  HeadBlock* begin_head(StreamId stream);  // null: it goes nowhere
  void end_head(StreamId stream, bool end);
  // `piece` must last until unsent() is 0. Requires: unsent() is 0.
  void send_data(StreamId stream, std::string_view piece, bool last);
  // Ends the message. Requires: unsent() is 0.
  void send_trailers(StreamId stream, const FieldList& trailers);
  void drop_piece(StreamId stream);           // what is unsent of it never goes. Requires: it is not the last
  std::size_t unsent(StreamId stream) const;  // bytes of the piece; 0 when the stream is over
  bool ended(StreamId stream) const;          // this side's END_STREAM was produced, or the stream is over
  void reset(StreamId stream, ErrorCode code);
  // Nobody cares for the stream any more. A whole answer without unsent bytes still goes out; then, if the
  // request is not whole, RST_STREAM(NO_ERROR) (RFC 9113 8.1). Any other stream that is not over is reset
  // with CANCEL.
  void forget(StreamId stream);

  void ping();
  void shutdown_notice();        // GOAWAY with 2^31-1: no new streams, please (RFC 9113 6.8)
  void go_away(ErrorCode code);  // GOAWAY with the last id that was taken; later streams are ignored

  // Appends frames to `out` until it holds `most` bytes, one frame more at most: true; or until nothing more
  // can go, for windows or want of data: false. Streams take turns, 16 KiB at a time. Commands may find out
  // that the session has failed: see has_news().
  bool produce(Buffer& out, std::size_t most);
  // While fewer bytes than that are ready for the next produce(), a piece whose turn it is becomes frames at
  // once, and an end is over: unsent() is 0 then, and drained() does not name it. 0 at first.
  void make_ahead(std::size_t bytes);
  std::size_t ready() const;
  // The users of streams whose piece or whose end went out whole in the last produce(). Null for nobody.
  std::span<void* const> drained() const;
  bool wants_write() const;
  // The peer would take so much at once of each stream: its windows are that wide.
  bool peer_takes(std::size_t bytes) const;
  bool in_head() const;  // the rest of a block of fields is still to come

  // Gives memory back that can be had anew: for an idle connection. Requires: no events are being gone
  // through.
  void rest();
  // Likewise, what the last receive() took for its events, if they were many.
  void forget_events();

  // --- how it stands
  // Event::failed was told, or is to be told by the next receive().
  bool failed() const;
  // Something was found out that the next receive() is to tell, which may be one of no bytes.
  bool has_news() const;
  bool is_over() const;              // nothing is to be read or written any more: close
  std::size_t streams() const;       // that take one of max_streams
  std::size_t open_streams() const;  // that are not over
  StreamId last_stream() const;      // the highest id that the peer opened; 0: none
  const GlitchCounts& glitches() const;

 private:
  std::unique_ptr<SessionState> state_;
};

}  // namespace sluice::h2
