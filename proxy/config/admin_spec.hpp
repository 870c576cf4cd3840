// Where operators come in, as configured. Plain structs; every default and every key stands here once
// (kinds.hpp). Pure data, constant after loading.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/role.hpp"
#include "proxy/base/values.hpp"
#include "proxy/config/kinds.hpp"

namespace sluice::config {

using sluice::Address;

struct AdminHttpSpec {
  Address bind;
  std::string token_file;  // empty: only what needs no token (metrics, health, the page)
  Places places;
  Place place;
  bool operator==(const AdminHttpSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("bind", self.bind, Bind{}, kRequired);
    visit("token_file", self.token_file, File{});
  }
};

struct CompatSpec {
  Address bind;
  std::string service;
  std::string token_file;
  Places places;
  Place place;
  bool operator==(const CompatSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("bind", self.bind, Bind{}, kRequired);
    visit("service", self.service, Text{}, kRequired);
    visit("token_file", self.token_file, File{});
  }
};

using sluice::Role;

// Who on the unix socket has which role: a user, or the members of a group.
struct RoleSpec {
  static constexpr Word<Role> kRoles[] = {
      {"viewer", Role::viewer}, {"operator", Role::operate}, {"admin", Role::admin}};

  Role role = Role::viewer;
  std::string user, group;                // as written, name or number; one of them is empty
  std::optional<std::uint32_t> uid, gid;  // of that one
  Place place;
  bool operator==(const RoleSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("role", self.role, Choice<Role>{kRoles}, kRequired);
    visit("user", self.user, Text{});
    visit("group", self.group, Text{});
  }
};

struct AdminSpec {
  std::string socket = "/run/sluice/admin.sock";
  std::uint32_t socket_mode = 0660;
  std::string socket_group;          // name or number; empty: the daemon's
  std::optional<std::uint32_t> gid;  // of socket_group
  std::vector<RoleSpec> roles;       // empty: whom the socket's mode lets in is an admin
  std::optional<AdminHttpSpec> http;
  std::optional<CompatSpec> compat;
  bool operator==(const AdminSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("socket", self.socket, Text{socket_path_error});
    visit("socket_mode", self.socket_mode, SocketMode{});
    visit("socket_group", self.socket_group, Text{});
    visit("roles", self.roles, LinesOf{"a role"});
    visit("http", self.http);
    visit("compat", self.compat);
  }
};

}  // namespace sluice::config
