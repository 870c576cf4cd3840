#include "control/admin/guard.hpp"

#include <boost/asio/ip/address.hpp>
#include <cctype>

#include "proxy/base/values.hpp"

namespace sluice::admin {

using protocol::Exit;
using protocol::Problem;

bool same_secret(std::string_view given, std::string_view secret) {
  volatile unsigned char different = given.size() != secret.size();
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto other = secret.empty() ? '\0' : secret[i % secret.size()];
    different = static_cast<unsigned char>(different | (given[i] ^ other));
  }
  return !different;
}

namespace {

// Without the port and the brackets of an IPv6 address.
std::string_view name_of(std::string_view host) {
  if (host.starts_with('['))
    return host.substr(1, host.find(']') == std::string_view::npos ? host.size() : host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::tolower(static_cast<unsigned char>(a[i])) != std::tolower(static_cast<unsigned char>(b[i])))
      return false;
  return true;
}

bool is_address(std::string_view name) {
  boost::system::error_code failed;
  boost::asio::ip::make_address(std::string(name), failed);
  return !failed;
}

Problem forbidden(std::string detail) { return {403, Exit::refused, "forbidden", std::move(detail), {}, {}}; }

}  // namespace

std::optional<Problem> check_browser(std::string_view host, std::string_view origin,
                                     std::string_view bound_host) {
  const auto name = name_of(host);
  if (!is_address(name) && !same_name(name, "localhost") && !same_name(name, bound_host))
    return forbidden("the Host " + quoted(host) + " is not this daemon's: ask by address, or as localhost");
  if (origin.empty()) return std::nullopt;
  const auto authority = origin.find("://");
  if (authority == std::string_view::npos || !same_name(origin.substr(authority + 3), host))
    return forbidden("a page of " + quoted(origin) + " may not ask this daemon");
  return std::nullopt;
}

std::optional<Problem> check_script(std::string_view origin) {
  if (origin.empty()) return std::nullopt;
  return forbidden("a page of " + quoted(origin) + " may not ask this daemon");
}

std::optional<Problem> check_token(std::string_view authorization, std::string_view secret,
                                   std::string_view listener) {
  constexpr std::string_view kScheme = "bearer ";
  if (secret.empty())
    return forbidden(std::string(listener) + " has no token_file, so what needs a token is refused here");
  if (authorization.size() > kScheme.size() && same_name(authorization.substr(0, kScheme.size()), kScheme) &&
      same_secret(authorization.substr(kScheme.size()), secret))
    return std::nullopt;
  return Problem{401,
                 Exit::refused,
                 "unauthorized",
                 authorization.empty() ? "this needs the admin token" : "this is not the admin token",
                 {},
                 "send Authorization: Bearer TOKEN, or use --token-file"};
}

}  // namespace sluice::admin
