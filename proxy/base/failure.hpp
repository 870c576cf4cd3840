// How a request fails: whose side, what kind. One function turns it into a status
// (proxy/exchange/own_answer.hpp).
#pragma once

#include <cstdint>

namespace sluice {

enum class Side : std::uint8_t { none, client, upstream, proxy };

enum class FailureKind : std::uint8_t {
  none,
  // upstream
  connect,  // nothing was sent
  reset,    // the connection ended before the answer was complete
  timeout,
  protocol,     // the answer is malformed (X3)
  status,       // a complete head with a status that may be retried
  unprocessed,  // the backend did nothing about it, and says so or cannot have (RFC 9113 8.7)
  no_tunnel,    // it opens no WebSockets over HTTP/2 (RFC 8441)
  // proxy
  no_route,
  no_backend,
  overload,
  rate,      // more requests than its key may make
  disabled,  // the service could not be built (T3)
  drained,   // cut at a drain's deadline (D3)
  paused,    // held for as long as the pause allows, or too many were (P1)
  stopped,   // refused by the operator's word (P1)
  // client
  malformed,
  too_slow,
  too_large,  // the body
  gone,
};

struct Failure {
  FailureKind kind = FailureKind::none;
  Side side = Side::none;
  explicit operator bool() const { return kind != FailureKind::none; }
};

}  // namespace sluice
