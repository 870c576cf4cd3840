#include "control/admin/access.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cctype>

#include "proxy/base/values.hpp"

namespace sluice::admin {

using protocol::Exit;
using protocol::forbidden;
using protocol::Problem;

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

std::string_view bearer_of(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return {};
  return same_name(authorization.substr(0, kScheme.size()), kScheme) ? authorization.substr(kScheme.size())
                                                                     : std::string_view();
}

Problem no_token(std::string_view authorization, bool file, std::string_view listener) {
  if (!file)
    return forbidden(std::string(listener) + " has no token_file, so what needs a token is refused here");
  return {401,
          Exit::refused,
          "unauthorized",
          authorization.empty() ? "this needs a token" : "this token is not known",
          {},
          "send Authorization: Bearer TOKEN, or use --token-file"};
}

std::string_view word_of(config::Role role) {
  switch (role) {
    case config::Role::none:
      return "nobody";
    case config::Role::viewer:
      return "viewer";
    case config::Role::operate:
      return "operator";
    case config::Role::admin:
      return "admin";
  }
  return "";
}

std::optional<Problem> check_role(config::Role has, config::Role needs) {
  if (has >= needs) return std::nullopt;
  if (has == config::Role::none)
    return forbidden("you have no role on this socket",
                     "an admin can give you one: admin.roles in the configuration");
  return forbidden("this needs the role " + std::string(word_of(needs)) + ", yours is " +
                   std::string(word_of(has)));
}

config::Role role_of(std::uint32_t uid, std::span<const std::uint32_t> groups, std::uint32_t own_uid,
                     const std::vector<config::RoleSpec>& roles) {
  if (roles.empty() || uid == 0 || uid == own_uid) return config::Role::admin;
  auto most = config::Role::none;
  for (const auto& rule : roles) {
    const bool named = rule.uid == uid;
    const bool member = rule.gid && std::find(groups.begin(), groups.end(), *rule.gid) != groups.end();
    if (named || member) most = std::max(most, rule.role);
  }
  return most;
}

}  // namespace sluice::admin
