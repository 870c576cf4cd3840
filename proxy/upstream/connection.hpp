// A connection to a backend. Worker only.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "proxy/base/buffer.hpp"
#include "proxy/http1/parser.hpp"
#include "proxy/net/stream.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::upstream {

class Backend;

// How long a connection may wait for its next request, `quiet` after the answer's last byte: for `ours`, and
// for a second less than the answer's Keep-Alive says. In that last second a request and the backend's close
// would pass each other on the way, and a request that is not safe to repeat would be lost. 0 or less: the
// connection is closed.
std::chrono::milliseconds idle_time(const http1::ResponseHead& answer, std::chrono::milliseconds ours,
                                    std::chrono::milliseconds quiet);

class Connection final : private net::ReadObserver {
 public:
  Connection(net::Poller& poller, net::TimerWheel& wheel, Backend& backend);

  net::Stream stream;
  Buffer in;  // bytes of answers
  http1::ResponseParser parser;
  bool reused = false;  // it has served a request before
  bool login = false;   // NTLM or Negotiate was spoken on it: it belongs to one client connection (R4)
  route::Endpoint to;   // the address it leads to; set once it is connected

  Backend& backend() { return backend_; }

  // Speaks TLS from here on; stream.handshake() is next. Requires: connected, the backend has TLS.
  void start_tls(const std::string& address);

  // Closes a connection that serves no further request. Requires: nothing is awaited on it.
  static void retire(std::unique_ptr<Connection> conn, bool reset = false);

  // An answer of so many bytes is coming: the kernel may take them as fast as the backend sends them, which
  // then need not wait for room at each of our reads. Of few connections of a thread, for what it costs where
  // a client does not take them (X4).
  void expect(std::uint64_t bytes);

  // Reads on into `in`. False when an answer's head outgrew that buffer.
  bool arm();

 private:
  friend class Backend;
  // Whether this is one of those few.
  class Wide {
   public:
    ~Wide();
    bool enter();

   private:
    bool entered_ = false;
  };
  // Called while the connection is idle: its backend closed it, or sent bytes that nobody asked for.
  void on_unawaited_read() override;

  Backend& backend_;
  const tls::ClientContext* tls_context_ = nullptr;  // compared only
  Wide wide_;
  std::size_t pool_index_ = 0;         // place in the pool, or among the logins, while idle
  std::uint32_t checked_at_move_ = 0;  // Backend::moves_ when `to` was last found among its addresses
  Connection** holder_ = nullptr;      // of an idle login: the client's pointer to it
};

}  // namespace sluice::upstream
