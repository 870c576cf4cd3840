// How a TLS handshake went, counted. Worker only.
#pragma once

#include "proxy/net/stream.hpp"
#include "proxy/observe/worker_counters.hpp"

namespace sluice::net {

// `channel` is null when memory was short. A handshake that we ended ourselves is nobody's failure, and not
// counted.
void count_handshake(observe::HandshakeCounters& counters, IoStatus status, const tls::Channel* channel);

}  // namespace sluice::net
