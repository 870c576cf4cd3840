#include "proxy/upstream/connect.hpp"

#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include "proxy/net/handshakes.hpp"
#include "proxy/net/proxy_protocol.hpp"
#include "proxy/upstream/backend.hpp"

namespace sluice::upstream {

using net::IoStatus;
using std::chrono::milliseconds;

// An endpoint as the kernel wants it. Never allocates.
class SocketAddress {
 public:
  explicit SocketAddress(const route::Endpoint& endpoint) {
    if (!endpoint.path.empty()) {
      address_.local.sun_family = AF_UNIX;
      const std::size_t length = std::min(endpoint.path.size(), sizeof address_.local.sun_path - 1);
      std::memcpy(address_.local.sun_path, endpoint.path.data(), length);
      size_ = sizeof address_.local;
    } else if (endpoint.ip.is_v4()) {
      address_.v4.sin_family = AF_INET;
      address_.v4.sin_port = htons(endpoint.port);
      std::memcpy(&address_.v4.sin_addr, endpoint.ip.bytes.data() + 12, 4);  // behind ::ffff:
      size_ = sizeof address_.v4;
    } else {
      address_.v6.sin6_family = AF_INET6;
      address_.v6.sin6_port = htons(endpoint.port);
      std::memcpy(&address_.v6.sin6_addr, endpoint.ip.bytes.data(), 16);
      size_ = sizeof address_.v6;
    }
  }
  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t size() const { return size_; }

 private:
  union {
    sockaddr_un local;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } address_{};
  socklen_t size_ = 0;
};

namespace {

// Never less than a millisecond, so that a deadline which has passed ends the next wait as timed out.
milliseconds left_until(net::Clock::time_point deadline) {
  return std::max(std::chrono::ceil<milliseconds>(deadline - net::Clock::now()), milliseconds(1));
}

// What the kernel needs of an address is no part of the coroutine that waits.
net::Stream::ConnectAwaiter begin_connect(net::Stream& stream, const route::Endpoint& endpoint) {
  const SocketAddress address(endpoint);
  return stream.connect(address.data(), address.size());
}

Task<IoStatus> send_proxy_header(net::Stream& stream, ProxyVersion version, const SocketAddresses* ends) {
  net::ProxyHeaderText storage;
  const auto header = net::write_proxy_header(version, ends, storage);
  const auto status = co_await stream.write(header);
  co_return status;
}

}  // namespace

Task<IoStatus> connect(Connection& conn, const route::Backend& to, ProxyVersion proxy_protocol,
                       const SocketAddresses* speaks_for, milliseconds limit) {
  const std::size_t count = to.endpoints.size();
  const auto deadline = net::Clock::now() + limit;
  const std::size_t first = count > 1 ? to.live->good_address.load(std::memory_order_relaxed) % count : 0;
  IoStatus status = IoStatus::reset;
  conn.stream.set_timeout(limit);
  for (std::size_t tried = 0; tried < count; ++tried) {
    const std::size_t index = (first + tried) % count;
    if (count > 1) conn.stream.set_timeout(left_until(deadline) / (count - tried) + milliseconds(1));
    status = co_await begin_connect(conn.stream, to.endpoints[index]);
    if (status == IoStatus::ok) {
      conn.to = to.endpoints[index];
      if (tried > 0)
        to.live->good_address.store(static_cast<std::uint32_t>(index), std::memory_order_relaxed);
      if (count > 1) conn.stream.set_timeout(left_until(deadline));
    }
    const bool no_descriptor = conn.stream.fd() < 0;
    if (status == IoStatus::ok || status == IoStatus::canceled || no_descriptor) break;
    if (tried + 1 < count) conn.stream.close();
  }
  if (status == IoStatus::ok && proxy_protocol != ProxyVersion::off)
    status = co_await send_proxy_header(conn.stream, proxy_protocol, speaks_for);
  if (status == IoStatus::ok && conn.backend().tls()) {
    conn.start_tls(to.authority);
    status = co_await conn.stream.handshake();
  }
  co_return status;
}

Task<Connected> open_connection(Connection& conn, const Target& target,
                                observe::HandshakeCounters& handshakes) {
  const auto status =
      co_await connect(conn, *target.to, target.proxy_protocol, target.speaks_for, target.timeouts->connect);
  conn.stream.clear_timeout();
  const tls::Channel* const tls = conn.stream.tls();
  if (tls && !target.is_copy) net::count_handshake(handshakes, status, tls);
  if (status == IoStatus::canceled) co_return Connected::canceled;
  if (conn.stream.fd() < 0) co_return Connected::no_descriptor;
  if (status != IoStatus::ok) co_return tls ? Connected::failed_handshake : Connected::failed;
  co_return Connected::ok;
}

}  // namespace sluice::upstream
