// One request to a backend and its answer, whatever protocol carries them: send the head, send pieces, take
// the answer's events, finish. The exchange and the mirrors use it; the HTTP/1 connection is one
// implementation, and tests have another. Worker only.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/base/failure.hpp"
#include "proxy/base/network.hpp"
#include "proxy/base/stream_status.hpp"
#include "proxy/base/task.hpp"
#include "proxy/base/tunnel_end.hpp"
#include "proxy/config/spec.hpp"
#include "proxy/http/forward.hpp"
#include "proxy/http/message.hpp"
#include "proxy/upstream/backend.hpp"
#include "proxy/upstream/logins.hpp"
#include "proxy/upstream/retry.hpp"

namespace sluice::upstream {

// Where a request goes, and on what terms. What it points to outlives the request.
struct Target {
  Backend* backend = nullptr;          // whose connections are used
  const route::Backend* to = nullptr;  // its addresses
  ProxyVersion proxy_protocol = ProxyVersion::off;
  const config::TimeoutSpec* timeouts = nullptr;  // of the service
  // The ends of the client's connection, for a connection that begins with a PROXY header; no other request
  // follows on that one. Null: no header is sent for a client.
  const SocketAddresses* speaks_for = nullptr;
  // The logins of the client's connection, and the service by which they are looked up (R4). Null: a
  // connection on which a request logs in is closed after it.
  Logins* logins = nullptr;
  const observe::ServiceLive* service = nullptr;
  bool is_copy = false;  // of a request (M1): its TLS handshake is not counted among those of requests
};

enum class Connected : std::uint8_t {
  ok,
  failed,            // the backend's doing
  failed_handshake,  // likewise: it took the connection, the TLS handshake failed
  no_descriptor,     // this process had none left (X7)
  canceled,
};

// What an answer consists of, in this order: interim*, then head (data* end) or tunnel. Or failed, at any
// point.
struct AnswerEvent {
  enum class Kind : std::uint8_t {
    none,     // nothing more has come: co_await arrival()
    interim,  // answer() is a 1xx
    head,     // answer() is the final head
    data,     // with `last` the end of the answer, without another event
    end,      // trailers() are there now
    tunnel,   // answer() is the 101 that was asked for; from here on the request is a TunnelEnd
    failed,   // the answer is malformed: see `failure`
  };
  Kind kind = Kind::none;
  bool last = false;
  FailureKind failure = FailureKind::none;  // protocol, reset or no_tunnel
  std::string_view data = {};  // valid until arrival() is awaited: several pieces may be at hand at once
  Pipe* piped = nullptr;       // of `data`: a piece that did not come into memory, to be taken before that
};

class Request;

// Ends a request that nobody finished: its connection is reset.
struct ResetRequest {
  void operator()(Request* request) const;
};
using RequestPtr = std::unique_ptr<Request, ResetRequest>;

class Request : public TunnelEnd {
 public:
  // How far it has come: what a failure means for another try follows from it (R1).
  Phase phase() const { return phase_; }
  bool reused() const { return reused_; }  // on a connection that has served before; needs no connect()

  // Requires: not reused().
  virtual Task<Connected> connect() = 0;

  // co_await send_head(): the head as forward_request() makes it of `head` and `forward`, `body` behind it.
  // With `whole` that is all; else pieces follow. A backend that refuses a body may close before it has read
  // it and leave an answer: that is ok here, and seen by what arrives. All that is passed outlives the wait,
  // but for `forward` itself and the text of its flags.
  // co_await send_data(): a further piece; with `last` the end. One send at a time, beside the reading.
  // co_await send_piped(): a further piece that is in a pipe, which is empty then. Requires: takes_pipes().
  class SendAwaiter {
   public:
    explicit SendAwaiter(Request& request) : request_(request) {}
    bool await_ready() { return request_.is_sent(); }
    void await_suspend(std::coroutine_handle<> h) { request_.resume_when_sent(h); }
    StreamStatus await_resume() { return request_.take_sent(); }

   private:
    Request& request_;
  };
  SendAwaiter send_head(const http::RequestHead& head, const http::ForwardContext& forward,
                        std::string_view body, bool whole) {
    begin_head(head, forward, body, whole);
    return SendAwaiter(*this);
  }
  SendAwaiter send_data(std::string_view piece, bool last, std::span<const http::Field> trailers) {
    begin_data(piece, last, trailers);
    return SendAwaiter(*this);
  }
  SendAwaiter send_piped(Pipe& piece) {
    begin_piped(piece);
    return SendAwaiter(*this);
  }

  // So much of the answer's bytes is wanted at once. A wire whose pieces the backend cuts takes no notice.
  void limit_reads(std::uint32_t bytes) { most_read_ = bytes; }
  // What has come of the answer, an event at a time. `answer()` is valid from interim, head or tunnel on
  // until the next call of next(); its status until the end.
  virtual AnswerEvent next() = 0;
  virtual const http::ResponseHead& answer() const = 0;
  virtual std::span<const http::Field> trailers() const = 0;  // after `end`
  // After `head`: the answer's end is at hand as well, without a body, and trailers() are there. A wire that
  // cannot tell says false.
  virtual bool ended_with_head() const { return false; }
  // co_await arrival(): until more has come and next() is to be asked again. ended, reset: the connection,
  // before the answer was whole. timed_out: nothing came within the time limit of an answer, which runs while
  // the backend has the whole request and while it does not take it. Requires: next() said `none`.
  class ArrivalAwaiter {
   public:
    explicit ArrivalAwaiter(Request& request) : request_(request) {}
    bool await_ready() { return request_.has_arrived(); }
    void await_suspend(std::coroutine_handle<> h) { request_.resume_when_arrived(h); }
    StreamStatus await_resume() { return request_.take_arrival(); }

   private:
    Request& request_;
  };
  ArrivalAwaiter arrival() { return ArrivalAwaiter(*this); }

  // What is awaited ends as canceled.
  void cancel() override = 0;

  // The end, good or bad. THE rule for reuse: the connection serves again when the request went out whole,
  // the answer came whole, both say that the connection stays, nothing came behind the answer, and it belongs
  // to nobody; else it is closed. Bytes behind an answer put the whole backend under quarantine for a while
  // (Backend::quarantine). Requires: nothing is awaited.
  static void finish(RequestPtr request) { request.release()->end(false); }

 protected:
  virtual ~Request() = default;
  friend struct ResetRequest;
  friend class NegotiatedRequest;  // is another one, whose methods it calls
  // Gives itself back to its backend, or closes and frees itself; with `reset` in any case.
  virtual void end(bool reset) = 0;

  virtual void begin_head(const http::RequestHead& head, const http::ForwardContext& forward,
                          std::string_view body, bool whole) = 0;
  virtual void begin_data(std::string_view piece, bool last, std::span<const http::Field> trailers) = 0;
  virtual void begin_piped(Pipe&) {}
  virtual bool is_sent() = 0;
  virtual void resume_when_sent(std::coroutine_handle<> h) = 0;
  virtual StreamStatus take_sent() = 0;
  virtual bool has_arrived() = 0;
  virtual void resume_when_arrived(std::coroutine_handle<> h) = 0;
  virtual StreamStatus take_arrival() = 0;

  Phase phase_ = Phase::connecting;
  bool reused_ = false;
  std::uint32_t most_read_ = Buffer::kLarge;
};

inline void ResetRequest::operator()(Request* request) const { request->end(true); }

// Where requests to backends begin.
class Connector {
 public:
  // On an idle connection (with `fresh` never), or on a new one that is still to be connected. Not null.
  virtual RequestPtr open(const Target& target, bool fresh) = 0;

 protected:
  ~Connector() = default;
};

}  // namespace sluice::upstream
