// What a worker counts of its connections. One writer: the worker; read by control.
#pragma once

#include <array>
#include <cassert>
#include <string_view>

#include "proxy/base/reasons.hpp"
#include "proxy/observe/live.hpp"

namespace sluice::observe {

// TLS handshakes with one side, by how they went.
struct HandshakeCounters {
  Counter done, resumed;  // done has the resumed ones in it
  // Failed because the peer was too slow, closed, spoke no TLS that we speak, or showed no certificate that
  // will do.
  Counter slow, closed, broken, untrusted;
};

struct WorkerCounters {
  Counter connections, accepted, accept_errors;
  std::array<Counter, kRefusalReasons.size()> refused_requests;  // by X-Sluice-Error, see kRefusalReasons
  Counter over_connection_limit, over_client_limit, bad_proxy_header;  // connections that were refused
  HandshakeCounters client_handshakes, backend_handshakes;

  // Requires: one of kRefusalReasons.
  void count_refused(std::string_view reason) {
    const std::size_t index = reason_index(reason);
    assert(index < refused_requests.size());
    if (index < refused_requests.size()) refused_requests[index].add();
  }
};

}  // namespace sluice::observe
