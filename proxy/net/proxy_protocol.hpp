// The PROXY protocol, versions 1 and 2 (haproxy.org/download/2.8/doc/proxy-protocol.txt, sections 2.1
// and 2.2): who the client of a connection is, said by the proxy in front of it, ahead of everything else.
// Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include "proxy/base/network.hpp"

namespace sluice::net {

// More is refused before it is read: a v2 header with its TLVs. The longest in use carry a TLS client's
// certificate.
inline constexpr std::size_t kMaxProxyHeader = 4096;

struct ProxyHeader {
  enum class Status : std::uint8_t { more, done, malformed };
  Status status = Status::more;
  std::size_t size = 0;  // bytes of the header, once done
  bool local = false;    // LOCAL or UNKNOWN: the proxy speaks for itself, `ends` say nothing
  SocketAddresses ends;
};

// `data`: all bytes since the connection's begin. Nothing is repaired: what the specification does not allow
// is malformed, and so are datagram protocols, TLVs that do not add up, and a header longer than
// kMaxProxyHeader.
ProxyHeader read_proxy_header(std::string_view data);

// As it goes to a backend; `ends` null: LOCAL or UNKNOWN, for what no client asked for. Requires: version is
// not off.
using ProxyHeaderText = char[108];
std::string_view write_proxy_header(ProxyVersion version, const SocketAddresses* ends,
                                    ProxyHeaderText& storage);

}  // namespace sluice::net
