// TLS handshakes with one side, by how they went. One writer: the worker; read by control.
#pragma once

#include "proxy/net/stream.hpp"
#include "proxy/observe/live.hpp"

namespace sluice::session {

struct HandshakeCounters {
  observe::Counter done, resumed;  // done has the resumed ones in it
  // Failed because the peer was too slow, closed, spoke no TLS that we speak, or showed no certificate that
  // will do.
  observe::Counter slow, closed, broken, untrusted;

  // `channel` is null when memory was short. What we ended ourselves is nobody's failure, and not counted.
  void count(net::IoStatus status, const tls::Channel* channel);
};

}  // namespace sluice::session
