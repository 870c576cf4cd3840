// The client's side of one request: heads, pieces and trailers as fields, whatever protocol carries them
// (HTTP/1 now, HTTP/2 beside it later). The connection that makes a stream owns it; the exchange that serves
// it sees nothing else of the client. Worker only.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/base/grpc_status.hpp"
#include "proxy/base/network.hpp"
#include "proxy/base/stream_status.hpp"
#include "proxy/base/task.hpp"
#include "proxy/base/tunnel_end.hpp"
#include "proxy/http/message.hpp"
#include "proxy/upstream/logins.hpp"

namespace sluice::client {

// A piece of the request's body.
struct BodyPiece {
  enum class Kind : std::uint8_t { data, done, gone, too_slow, too_large, malformed, canceled };
  Kind kind = Kind::done;
  std::string_view data;  // valid until the next read
  Pipe* piped = nullptr;  // of `data`: a piece that did not come into memory, to be taken before that
};

// Told when the client leaves while its answer is being made; at most once of each.
class StreamObserver {
 public:
  virtual void client_gone() = 0;         // nobody will read an answer (RST, or close_now())
  virtual void client_half_closed() = 0;  // FIN: the client is gone, or waits for its answer

 protected:
  ~StreamObserver() = default;
};

// The client of a request, and how it came. The views live as long as the stream serves this request.
struct ClientInfo {
  std::string_view address;       // of the client, as trusted proxies say; without the port
  std::string_view peer_address;  // who connected: the client or a proxy in front
  std::string_view listener;
  std::string_view protocol;              // "HTTP/1.1", a literal
  std::string_view tls_version;           // a literal; empty: clear text
  std::span<const http::Field> identity;  // about the client's certificate; empty without one
  std::uint32_t stream = 0;               // of HTTP/2: its id
  bool trusted = false;                   // the peer is a trusted proxy: its X-Forwarded-* are kept
  bool secure = false;                    // https, here or at that proxy
};

// An answer of the proxy's own.
struct OwnReply {
  int status = 0;
  std::string_view reason;  // X-Sluice-Error; empty: none
  std::string_view text;
  int retry_after = 0;                    // seconds; 0: the default of that status
  GrpcStatus grpc = GrpcStatus::unknown;  // to a gRPC call, instead of `status`
};

// An interface as wide as HTTP: the request, the answer and how far each has come.
class ClientStream : public TunnelEnd {
 public:
  virtual ~ClientStream() = default;

  // --- the request
  const http::RequestHead& head() const { return *head_; }
  // Where head() is a translation: what came. Routes are matched by that.
  virtual const http::RequestHead& head_as_sent() const { return *head_; }
  const ClientInfo& info() const { return info_; }
  virtual SocketAddresses addresses()
      const = 0;                           // of the client's connection, or as announced (PROXY protocol)
  virtual upstream::Logins& logins() = 0;  // of the client's connection
  // The whole body, when all of it has come with the head: it can be sent again. Empty without a body.
  virtual bool whole_body(std::string_view& body) const = 0;
  // What has come of a body that is not whole, to go with the head; read_body() goes on behind it. Before the
  // first read_body(), once. Empty: nothing, or nothing may go yet.
  virtual std::string_view first_piece() { return {}; }
  // The next piece of a body that is not whole; after `done` that again. What was canceled goes on with the
  // next call, and nothing is lost. Requires: none is being read.
  virtual Task<BodyPiece> read_body() = 0;
  // A body longer than `bytes` (0: any length), or than the listener allows, ends as too_large. False when
  // its length says so already. Before the first read_body().
  virtual bool limit_body(std::uint64_t bytes) = 0;
  virtual std::span<const http::Field> trailers() const = 0;  // after done
  // Of a gRPC call: its messages may come so far apart, whatever the listener says of a body's pieces.
  void set_call_patience(std::chrono::milliseconds patience) { call_patience_ = patience; }
  virtual bool body_read() const = 0;  // nothing of the body is left to read
  // Bodies are kept to be sent again: so many bytes more, or less, are kept of this one. False, and nothing
  // is counted: all streams of the client's connection would keep too much.
  virtual bool count_kept(int /*bytes*/) { return true; }
  // Who is told when the client leaves; null: nobody any more.
  void set_observer(StreamObserver* observer) { observer_ = observer; }
  // From here on the client is watched while nothing is read from it. Requires: body_read().
  virtual void watch() = 0;

  // --- the answer
  virtual void send_interim(
      const http::ResponseHead& answer) = 0;  // 1xx but 101; sent together with what follows
  // Requires: not answered().
  virtual void send_head(const http::ResponseHead& answer, std::span<const http::Field> extra) = 0;
  // A piece of the body; with `last` the end of the message. Sends at once what goes. False: the client takes
  // no more now or is lost; co_await flush() before anything else. `piece` must last until then.
  virtual bool send_data(std::string_view piece, bool last) = 0;
  // The same of a piece in a pipe. Requires: takes_pipes().
  virtual bool send_piped(Pipe&, bool /*last*/) { return false; }
  // Ends the message. As send_data().
  virtual bool send_trailers(std::span<const http::Field> trailers) = 0;
  // What has come goes on now, without waiting for more. As send_data().
  virtual bool push() = 0;
  virtual Task<StreamStatus> flush() = 0;
  virtual Task<StreamStatus> reply(OwnReply reply) = 0;
  // The answer `head` (101) goes, then the stream is a TunnelEnd. As send_data().
  virtual bool open_tunnel(const http::ResponseHead& head) = 0;
  // The answer cannot be completed: the client is told so, in that it cannot take it for whole (RFC 9112 8).
  virtual void reset() = 0;
  // What is being read from or written to the client ends as canceled; the client can still be answered.
  void cancel() override = 0;

  // Bytes of an answer that it can use at once: more of it would lie here until the client takes them.
  std::uint32_t most_read() const { return most_read_; }

  // --- how far it has come
  bool answered() const { return status_ != 0; }  // send_head(), reply() or open_tunnel() was called
  int status() const { return status_; }
  std::uint64_t body_bytes_in() const { return bytes_in_; }
  std::uint64_t body_bytes_out() const { return bytes_out_; }

 protected:
  // Set by the derived stream, anew for each request. In an order without holes: a thousand may be open.
  std::int16_t status_ = 0;  // that was sent; 0: none yet
  std::uint32_t most_read_ = Buffer::kLarge;
  const http::RequestHead* head_ = nullptr;
  ClientInfo info_;
  StreamObserver* observer_ = nullptr;
  std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
  std::chrono::milliseconds call_patience_{0};  // 0: not told
};

// Serves streams: the exchange, behind an interface, because a connection does not know who serves it.
class StreamHandler {
 public:
  // Answers `stream`, one way or the other, and returns when it is done with it.
  virtual Task<void> serve(ClientStream& stream) = 0;

 protected:
  ~StreamHandler() = default;
};

}  // namespace sluice::client
