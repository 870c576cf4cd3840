// A connection to a backend. Worker only.
#pragma once

#include <memory>
#include <string>

#include "proxy/base/buffer.hpp"
#include "proxy/http/codec.hpp"
#include "proxy/net/stream.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::upstream {

class Backend;

class Conn final : private net::ReadObserver {
 public:
  Conn(net::Poller& poller, net::TimerWheel& wheel, Backend& backend);

  net::Stream stream;
  Buffer in;  // bytes of answers
  http::ResponseParser parser;
  bool reused = false;  // it has served a request before
  bool login = false;   // NTLM or Negotiate was spoken on it: it is its client connection's alone (R4)
  route::Endpoint to;   // where it leads; set once it is connected

  Backend& backend() { return backend_; }

  // Speaks TLS from here on; stream.handshake() is next. Requires: connected, the backend has TLS.
  void secure(const std::string& address);

  // A connection that is done for. Requires: nothing is awaited on it.
  static void retire(std::unique_ptr<Conn> conn, bool reset = false);

  // Reads on into `in`. Requires: room in it, or its growth allowed. False when an answer's head outgrew the
  // buffer.
  bool arm();

 private:
  friend class Backend;
  void on_unawaited_read()
      override;  // only while idle in the pool: the backend closed it, or spoke out of turn

  Backend& backend_;
  const tls::ClientContext* secured_by_ = nullptr;  // compared only
  std::size_t pool_index_ = 0;                      // place in the pool, or among the logins, while idle
  Conn** holder_ = nullptr;                         // of an idle login: who may take it
};

}  // namespace sluice::upstream
