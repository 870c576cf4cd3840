// Who on the admin socket may do what: users and groups of this machine.
#include <grp.h>
#include <pwd.h>

#include <charconv>

#include "proxy/config/readers.hpp"

namespace sluice::config {

// A user's or group's number, by its name or as a number; nothing after a complaint.
std::optional<std::uint32_t> read_account(const Value& value, std::string& written, Account kind) {
  if (!value.text(written)) return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, failure] = std::from_chars(written.data(), written.data() + written.size(), number);
  if (failure == std::errc() && end == written.data() + written.size()) return number;
  // Not in a hot path and not beside another thread that looks up accounts: the plain calls do.
  if (kind == Account::group) {
    if (const ::group* found = ::getgrnam(written.c_str())) return found->gr_gid;
  } else if (const ::passwd* found = ::getpwnam(written.c_str())) {
    return found->pw_uid;
  }
  value.complain("there is no " + std::string(kind == Account::group ? "group " : "user ") + quoted(written) +
                 " on this machine");
  return std::nullopt;
}

namespace {

void read_role(const Value& value, RoleSpec& role) {
  role.place = value.place();
  value.keys({
      {"role",
       [&](const Value& v) {
         v.choice<Role>(role.role,
                        {{"viewer", Role::viewer}, {"operator", Role::operate}, {"admin", Role::admin}});
       },
       kRequired},
      {"user", [&](const Value& v) { role.uid = read_account(v, role.user, Account::user); }},
      {"group", [&](const Value& v) { role.gid = read_account(v, role.group, Account::group); }},
  });
  if (role.user.empty() == role.group.empty())
    value.complain("a role is for a 'user' or for a 'group', one of them");
}

}  // namespace

void read_roles(const Value& value, std::vector<RoleSpec>& roles) {
  value.each("a role", [&](const Value& v) { read_role(v, roles.emplace_back()); });
}

}  // namespace sluice::config
