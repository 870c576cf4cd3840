// parse_address() and canonical() of values.hpp.
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "proxy/base/url.hpp"
#include "proxy/base/values.hpp"

namespace sluice {
namespace {

struct Split {
  std::string_view host, port;
  bool bracketed = false;
};

bool is_ipv6(std::string_view host) {
  in6_addr address;
  return inet_pton(AF_INET6, std::string(host).c_str(), &address) == 1;
}

bool is_ipv4(std::string_view host) {
  in_addr address;
  return inet_pton(AF_INET, std::string(host).c_str(), &address) == 1;
}

// Digits and points alone are meant as an IPv4 address, never as a name (RFC 3986 section 3.2.2 reads them so
// first).
bool looks_like_ipv4(std::string_view host) {
  return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

// A host name of RFC 1123 section 2.1, with the underscore that container networks use.
bool is_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  std::size_t label = 0;
  for (std::size_t i = 0; i <= host.size(); ++i) {
    if (i == host.size() || host[i] == '.') {
      const bool trailing_point = i == host.size() && label == 0 && host.size() > 1;
      if ((label == 0 && !trailing_point) || label > 63) return false;
      label = 0;
      continue;
    }
    const char c = host[i];
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alphanumeric && c != '_' && !(c == '-' && label > 0)) return false;
    ++label;
  }
  return true;
}

ValueError not_an_address(std::string_view text, std::string_view why, std::string suggestion = "") {
  return {quoted(text) + " is not an address, " + std::string(why), std::move(suggestion)};
}

const char kForm[] = "write HOST:PORT, such as 127.0.0.1:9001, [::1]:9001 or api.internal:9001";

// The parts of a text that has both; an error that says which one is missing otherwise.
Parsed<Split> split(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return not_an_address(text, "its bracket is not closed");
    if (text.substr(end + 1, 1) != ":") return not_an_address(text, std::string("it has no port, ") + kForm);
    return Split{text.substr(1, end - 1), text.substr(end + 2), true};
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return not_an_address(text, std::string("it has no port, ") + kForm);
  const Split parts{text.substr(0, colon), text.substr(colon + 1)};
  if (parts.host.find(':') == std::string_view::npos) return parts;
  const bool had_port = is_ipv6(parts.host) && !parts.port.empty();
  return not_an_address(text, "an IPv6 address stands in brackets",
                        had_port ? "[" + std::string(parts.host) + "]:" + std::string(parts.port) : "");
}

std::optional<ValueError> host_error(std::string_view text, const Split& parts) {
  if (parts.host.empty())
    return not_an_address(text, "it has no host; write 0.0.0.0 or [::] to mean every interface",
                          "0.0.0.0:" + std::string(parts.port));
  if (parts.bracketed) {
    if (is_ipv6(parts.host)) return std::nullopt;
    return not_an_address(text, quoted(parts.host) + " in the brackets is not an IPv6 address");
  }
  if (looks_like_ipv4(parts.host)) {
    if (is_ipv4(parts.host)) return std::nullopt;
    return not_an_address(text, quoted(parts.host) + " is not an IPv4 address");
  }
  if (is_name(parts.host)) return std::nullopt;
  return not_an_address(text, quoted(parts.host) + " is not a host name");
}

// What a URL names, for those who write one: "http://127.0.0.1:9001/" -> "127.0.0.1:9001".
std::string without_scheme(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  return std::string(url.substr(0, url.find('/')));
}

}  // namespace

Parsed<Address> parse_address(std::string_view text, std::uint16_t lowest_port) {
  if (text.find('@') != std::string_view::npos)  // before it a password may stand
    return ValueError{quoted(shown_url(text)) + " is not an address, a user and password have no place in it",
                      ""};
  if (text.find("://") != std::string_view::npos) {
    const std::string meant = without_scheme(text);
    return not_an_address(text, "it is a URL", parse_address(meant, lowest_port) ? meant : "");
  }
  const auto parts = split(text);
  if (!parts) return parts.error();
  if (auto wrong = host_error(text, *parts)) return *wrong;
  unsigned port = 0;
  const char* end = parts->port.data() + parts->port.size();
  const auto [stopped, failure] = std::from_chars(parts->port.data(), end, port);
  if (parts->port.empty() || stopped != end || failure != std::errc() || port > 65535 || port < lowest_port)
    return not_an_address(text, "its port " + quoted(parts->port) + " is not a number from " +
                                    std::to_string(lowest_port) + " to 65535");
  return Address{std::string(parts->host), static_cast<std::uint16_t>(port), std::string(text)};
}

std::string canonical(const Address& address) {
  in6_addr v6;
  char text[INET6_ADDRSTRLEN] = "";
  if (inet_pton(AF_INET6, address.host.c_str(), &v6) == 1) inet_ntop(AF_INET6, &v6, text, sizeof text);
  std::string host = *text ? "[" + std::string(text) + "]" : address.host;
  for (char& c : host)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return host + ":" + std::to_string(address.port);
}

}  // namespace sluice
