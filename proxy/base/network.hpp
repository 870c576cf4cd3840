// IP addresses and networks: who a client is, where a backend is, whom a listener trusts. Pure; an IPv4
// address is held in its IPv4-mapped form (RFC 4291 2.5.5.2), so that both families compare alike.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proxy/base/values.hpp"

struct sockaddr_storage;

namespace sluice {

struct Ip {
  std::array<std::uint8_t, 16> bytes{};  // network order
  bool is_v4() const;
  bool operator==(const Ip&) const = default;
};

struct IpPort {
  Ip ip;
  std::uint16_t port = 0;
  bool operator==(const IpPort&) const = default;
};

// Both ends of a client's connection: as the kernel knows them, or as the PROXY protocol announced them.
struct SocketAddresses {
  IpPort source, destination;
};

// Whose connection it is: what the kernel says of it, or what the PROXY protocol announced.
struct PeerInfo {
  IpPort source;
  std::optional<IpPort> destination;  // announced; else the socket knows
};

// The version of the PROXY protocol that is spoken to a backend.
enum class ProxyVersion : std::uint8_t { off, v1, v2 };

// What HTTP is spoken in to a backend.
enum class BackendProtocol : std::uint8_t {
  h1,
  h2,
  by_alpn,  // whichever its TLS agrees to (RFC 7301), HTTP/2 rather
};

// "127.0.0.1", "2001:db8::1"; without brackets, port and zone.
std::optional<Ip> parse_ip(std::string_view text);
// As X-Forwarded-For may name it: also "1.2.3.4:567", "[2001:db8::1]" and "[2001:db8::1]:567".
std::optional<Ip> parse_ip_maybe_port(std::string_view text);

using IpText = char[46];  // INET6_ADDRSTRLEN
std::string_view format_ip(const Ip& ip, IpText& storage);

// All zeros for other families.
IpPort ip_port_of(const sockaddr_storage& address);

struct Network {
  Ip first;
  unsigned bits = 128;  // that must agree, of the 128
  std::string text;     // as written
  bool contains(const Ip& ip) const;
  bool operator==(const Network&) const = default;
};
bool contains(std::span<const Network> networks, const Ip& ip);

// "10.0.0.0/8", "2001:db8::/32", or one address. Bits behind the prefix must be zero.
Parsed<Network> parse_network(std::string_view text);

}  // namespace sluice
