// Where operators come in: the admin socket, and who on it may do what.
#include <charconv>

#include "proxy/config/keys.hpp"
#include "proxy/config/machine.hpp"

namespace sluice::config {

namespace {

// Nothing after a complaint.
std::optional<std::uint32_t> number_of(const YamlValue& value, const std::string& account, Account kind) {
  if (account.empty()) return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, failure] = std::from_chars(account.data(), account.data() + account.size(), number);
  if (failure == std::errc() && end == account.data() + account.size()) return number;
  if (const auto found = account_number(account, kind)) return found;
  value.complain("there is no " + std::string(kind == Account::group ? "group " : "user ") + quoted(account) +
                 " on this machine");
  return std::nullopt;
}

}  // namespace

void read(const YamlValue& value, std::uint32_t& mode, SocketMode) {
  std::string text;
  if (!value.text(text)) return;
  std::uint32_t bits = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), bits, 8);
  const bool octal = failure == std::errc() && end == text.data() + text.size();
  if (octal && bits <= 0777 && (text.size() == 3 || text.size() == 4)) {
    mode = bits;
    return;
  }
  value.complain("'socket_mode' must be permission bits in octal, such as \"0660\", not " + quoted(text));
}

void read(const YamlValue& value, AdminSpec& admin, Plain) {
  const KeysRead keys = read_keys(value, admin);
  if (const YamlValue* group = keys.find("socket_group"))
    admin.gid = number_of(*group, admin.socket_group, Account::group);
}

void read(const YamlValue& value, RoleSpec& role, Plain) {
  const KeysRead keys = read_keys(value, role);
  if (const YamlValue* user = keys.find("user")) role.uid = number_of(*user, role.user, Account::user);
  if (const YamlValue* group = keys.find("group")) role.gid = number_of(*group, role.group, Account::group);
  if (role.user.empty() == role.group.empty())
    value.complain("a role is for a 'user' or for a 'group', one of them");
}

}  // namespace sluice::config
