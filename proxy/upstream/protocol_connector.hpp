// THE place where a backend's protocol is chosen: what its pool says, or what its TLS agrees to by ALPN.
// Worker only.
#pragma once

#include "proxy/upstream/http1_connector.hpp"
#include "proxy/upstream/http2_connection.hpp"

namespace sluice::upstream {

class ProtocolConnector final : public Connector {
 public:
  // `handshakes`: where TLS handshakes with backends are counted. All of it outlives this.
  ProtocolConnector(net::Poller& poller, net::TimerWheel& wheel, observe::HandshakeCounters& handshakes)
      : http1_(poller, wheel, handshakes), context_{poller, wheel, handshakes} {}

  RequestPtr open(const Target& target, bool fresh) override;

  // Over HTTP/2 that have not ended; they need the worker's rounds to.
  std::size_t http2_connections() const { return context_.http2_connections; }

 private:
  RequestPtr open_by_alpn(const Target& target, bool fresh);

  Http1Connector http1_;
  ConnectContext context_;
};

}  // namespace sluice::upstream
