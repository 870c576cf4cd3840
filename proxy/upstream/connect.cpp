#include "proxy/upstream/connect.hpp"

#include "proxy/http/proxy_protocol.hpp"
#include "proxy/upstream/backend.hpp"

namespace sluice::upstream {
namespace {

using net::IoStatus;

Tcp::endpoint endpoint_of(const route::Endpoint& endpoint) {
  namespace ip = boost::asio::ip;
  if (endpoint.v6) return {ip::address_v6(endpoint.ip), endpoint.port};
  return {ip::address_v4({endpoint.ip[0], endpoint.ip[1], endpoint.ip[2], endpoint.ip[3]}), endpoint.port};
}

}  // namespace

Task<IoStatus> connect(Conn& conn, const route::Backend& to, ProxyVersion proxy_protocol,
                       const Ends* speaks_for) {
  const Tcp::endpoint endpoint = endpoint_of(to.endpoint);
  IoStatus status = co_await conn.stream.connect(endpoint);
  if (status == IoStatus::ok && proxy_protocol != ProxyVersion::off) {
    http::ProxyHeaderText storage;
    const auto header = http::write_proxy_header(proxy_protocol, speaks_for, storage);
    status = co_await conn.stream.write(header);
  }
  if (status == IoStatus::ok && conn.backend().tls()) {
    conn.secure(to.address);
    status = co_await conn.stream.handshake();
  }
  co_return status;
}

}  // namespace sluice::upstream
