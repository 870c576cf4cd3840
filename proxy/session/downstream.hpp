// The client's side of one request, as the exchange sees it: whatever protocol the client speaks (HTTP/1 now,
// HTTP/2 beside it later), the exchange asks for these things only. Worker only.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/base/network.hpp"
#include "proxy/base/task.hpp"
#include "proxy/http1/message.hpp"
#include "proxy/net/stream.hpp"
#include "proxy/upstream/logins.hpp"

namespace sluice::session {

// A piece of the request's body.
struct BodyPiece {
  enum class Kind : std::uint8_t { data, done, gone, too_slow, too_large, malformed, canceled };
  Kind kind = Kind::done;
  std::string_view data;  // valid until the next read
};

// Told when the client leaves while its answer is being made.
class ClientWatcher {
 public:
  virtual void client_gone() = 0;         // reset: nobody will read an answer
  virtual void client_half_closed() = 0;  // FIN: gone, or waiting silently for its answer

 protected:
  ~ClientWatcher() = default;
};

class Downstream {
 public:
  virtual ~Downstream() = default;

  // --- the request
  virtual const http1::RequestHead& head() const = 0;
  virtual std::string_view client_address() const = 0;  // without the port; whom trusted proxies spoke for
  virtual SocketAddresses ends() const = 0;             // of the client's connection, or as announced
  virtual std::string_view hop_address() const = 0;     // who connected: the client or a proxy
  virtual bool trusted() const = 0;                     // that is a trusted proxy: its X-Forwarded-* are kept
  virtual std::string_view listener() const = 0;
  virtual bool secure() const = 0;
  virtual upstream::Logins& logins() = 0;  // of the client's connection
  virtual std::string_view tls_version()
      const = 0;  // of the client's connection, a literal; empty: clear text
  virtual std::span<const http::Field> identity() const = 0;  // about the client's certificate
  // The whole body, when all of it has come with the head: it can be sent again. Empty without a body.
  virtual bool whole_body(std::string_view& body) const = 0;
  // The next piece of a body that is not whole. Requires: none is being read.
  virtual Task<BodyPiece> read_body() = 0;
  // A body longer than `bytes` (0: any length), or than the listener allows, ends as too_large. False when
  // its length says so already. Before the first read_body().
  virtual bool limit_body(std::uint64_t bytes) = 0;
  virtual std::span<const http::Field> trailers() const = 0;  // after done
  virtual bool body_read() const = 0;                         // nothing of the body is left to read
  // From here on the client is watched; the watcher is told at most once of each.
  virtual void watch(ClientWatcher* watcher) = 0;

  // --- the answer
  virtual void interim(
      const http1::ResponseHead& answer) = 0;  // 1xx, also the 101 of a tunnel; flushed with what follows
  virtual void begin(const http1::ResponseHead& answer, std::span<const http::Field> extra) = 0;
  // A piece of the body, framed; with `last` the end of the message. `trailers` only with `last` and an empty
  // piece. Sends at once what goes. False: the client takes no more now or is lost; co_await flush() before
  // anything else. `piece` must last until then.
  virtual bool write(std::string_view piece, bool last, std::span<const http::Field> trailers) = 0;
  virtual Task<net::IoStatus> flush() = 0;
  // A whole answer of the proxy's own. `retry_after` in seconds; 0: the status's own, if it has one.
  virtual Task<net::IoStatus> reply(int status, std::string_view reason, std::string_view text,
                                    int retry_after) = 0;
  virtual bool answered() const = 0;  // begin() or reply() was called
  virtual std::uint64_t body_bytes_out() const = 0;
  virtual std::uint64_t body_bytes_in() const = 0;
  virtual int status_sent() const = 0;
  // The answer cannot be completed: the connection ends so that the client cannot take it for whole (RFC 9112
  // 8).
  virtual void abort() = 0;
  // What is being read from or written to the client ends as canceled; the client can still be answered.
  virtual void cancel() = 0;

  // --- the tunnel after a 101: raw bytes both ways
  // The next bytes, those first that came behind the head (never forwarded before the 101, CVE-2026-2833).
  // Valid until the next call. Nothing comes within `idle`: timed_out.
  virtual Task<net::IoStatus> read_raw(std::string_view& bytes, std::chrono::milliseconds idle) = 0;
  virtual Task<net::IoStatus> write_raw(std::string_view bytes, std::chrono::milliseconds idle) = 0;
  virtual void limit_raw(std::chrono::milliseconds idle) = 0;  // also of what is being waited for now
  virtual void shutdown_send() = 0;
};

}  // namespace sluice::session
