#include "proxy/upstream/http1_connector.hpp"

#include <utility>

#include "proxy/upstream/http1_request.hpp"

namespace sluice::upstream {

RequestPtr Http1Connector::open(const Target& target, bool fresh) {
  return begin(target, fresh ? nullptr : take_waiting(target));
}

// R4: the connection on which the client is logged in, if there is one; else one that belongs to no client.
std::unique_ptr<Connection> Http1Connector::take_waiting(const Target& target) {
  std::unique_ptr<Connection> conn;
  if (target.logins) conn = target.logins->take(*target.service, *target.backend);
  if (!conn && !target.speaks_for) conn = target.backend->take_idle();
  return conn;
}

RequestPtr Http1Connector::begin(const Target& target, std::unique_ptr<Connection> conn) {
  if (!conn) conn = std::make_unique<Connection>(poller_, wheel_, *target.backend);
  return RequestPtr(new Http1Request(target, std::move(conn), wheel_, handshakes_));
}

}  // namespace sluice::upstream
