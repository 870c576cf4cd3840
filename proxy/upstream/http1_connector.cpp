#include "proxy/upstream/http1_connector.hpp"

#include "proxy/upstream/http1_request.hpp"

namespace sluice::upstream {

// R4: the connection on which the client is logged in, if there is one; else one that belongs to no client.
RequestPtr Http1Connector::open(const Target& target, bool fresh) {
  std::unique_ptr<Connection> conn;
  if (!fresh && target.logins) conn = target.logins->take(*target.service, *target.backend);
  if (!fresh && !conn && !target.speaks_for) conn = target.backend->take_idle();
  if (!conn) conn = std::make_unique<Connection>(poller_, wheel_, *target.backend);
  return RequestPtr(new Http1Request(target, std::move(conn), wheel_, handshakes_));
}

}  // namespace sluice::upstream
