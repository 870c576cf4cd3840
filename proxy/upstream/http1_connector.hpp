// Where requests over HTTP/1 begin: on a connection that waits, or on a new one. Worker only.
#pragma once

#include <memory>

#include "proxy/observe/worker_counters.hpp"
#include "proxy/upstream/request.hpp"

namespace sluice::upstream {

class Http1Connector final : public Connector {
 public:
  // `handshakes`: where TLS handshakes with backends are counted. All of it outlives this.
  Http1Connector(net::Poller& poller, net::TimerWheel& wheel, observe::HandshakeCounters& handshakes)
      : poller_(poller), wheel_(wheel), handshakes_(handshakes) {}

  RequestPtr open(const Target& target, bool fresh) override;

  // Null: none waits that this request may have.
  static std::unique_ptr<Connection> take_waiting(const Target& target);
  // Null for a new connection.
  RequestPtr begin(const Target& target, std::unique_ptr<Connection> conn);

 private:
  net::Poller& poller_;
  net::TimerWheel& wheel_;
  observe::HandshakeCounters& handshakes_;
};

}  // namespace sluice::upstream
