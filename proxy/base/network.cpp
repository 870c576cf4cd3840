#include "proxy/base/network.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace sluice {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;

Ip masked(const Ip& ip, unsigned bits) {
  Ip out = ip;
  for (unsigned i = 0; i < out.bytes.size(); ++i) {
    const unsigned kept = bits <= i * 8 ? 0 : std::min(8u, bits - i * 8);
    out.bytes[i] = static_cast<std::uint8_t>(out.bytes[i] & (0xff00u >> kept));
  }
  return out;
}

std::string text_of(const Ip& ip) {
  IpText storage;
  return std::string(format_ip(ip, storage));
}

ValueError not_a_network(std::string_view text, std::string suggestion = "") {
  return {
      quoted(text) + " is not a network, write an address or a prefix such as 10.0.0.0/8 or 2001:db8::/32",
      std::move(suggestion)};
}

}  // namespace

bool Ip::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes.begin()); }

std::optional<Ip> parse_ip(std::string_view text) {
  IpText zero_ended;
  if (text.empty() || text.size() >= sizeof zero_ended) return std::nullopt;
  *std::copy(text.begin(), text.end(), zero_ended) = '\0';
  if (std::strlen(zero_ended) != text.size()) return std::nullopt;
  Ip ip;
  if (inet_pton(AF_INET6, zero_ended, ip.bytes.data()) == 1) return ip;
  std::copy(kMapped.begin(), kMapped.end(), ip.bytes.begin());
  if (inet_pton(AF_INET, zero_ended, ip.bytes.data() + kMapped.size()) == 1) return ip;
  return std::nullopt;
}

std::optional<Ip> parse_ip_maybe_port(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const auto rest = text.substr(end + 1);
    if (!rest.empty() && !rest.starts_with(':')) return std::nullopt;
    return parse_ip(text.substr(1, end - 1));
  }
  const auto colon = text.find(':');
  const bool with_port =
      colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos;
  return parse_ip(with_port ? text.substr(0, colon) : text);
}

std::string_view format_ip(const Ip& ip, IpText& storage) {
  const bool v4 = ip.is_v4();
  inet_ntop(v4 ? AF_INET : AF_INET6, ip.bytes.data() + (v4 ? kMapped.size() : 0), storage, sizeof storage);
  return storage;
}

IpPort ip_port_of(const sockaddr_storage& address) {
  IpPort out;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    std::copy(kMapped.begin(), kMapped.end(), out.ip.bytes.begin());
    std::memcpy(out.ip.bytes.data() + kMapped.size(), &v4.sin_addr, 4);
    out.port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    std::memcpy(out.ip.bytes.data(), &v6.sin6_addr, out.ip.bytes.size());
    out.port = ntohs(v6.sin6_port);
  }
  return out;
}

bool Network::contains(const Ip& ip) const { return masked(ip, bits) == first; }

bool contains(std::span<const Network> networks, const Ip& ip) {
  return std::any_of(networks.begin(), networks.end(), [&ip](const Network& n) { return n.contains(ip); });
}

Parsed<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto ip = parse_ip(text.substr(0, slash));
  if (!ip) return not_a_network(text);
  const unsigned least = ip->is_v4() ? kMappedBits : 0;
  unsigned bits = 128 - least;
  if (slash != std::string_view::npos) {
    const auto number = text.substr(slash + 1);
    const char* const end = number.data() + number.size();
    const auto [stop, failure] = std::from_chars(number.data(), end, bits);
    if (number.empty() || stop != end || failure != std::errc() || bits > 128 - least)
      return not_a_network(text);
  }
  Network network{masked(*ip, least + bits), least + bits, std::string(text)};
  if (network.first == *ip) return network;
  return ValueError{quoted(text) + " has bits behind its prefix",
                    text_of(network.first) + "/" + std::to_string(bits)};
}

}  // namespace sluice
