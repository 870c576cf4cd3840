#include "control/daemon/socket_store.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "proxy/net/bind.hpp"

namespace sluice::daemon {
namespace {

constexpr std::size_t kLongestName = 255;  // FDNAME_MAX; printable, and without a colon
constexpr std::string_view kListener = "sluice/listener/", kAdmin = "sluice/admin/";

std::string escaped(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 127 && c != ':' && c != '%' && c != '/')
      out += c;
    else
      out += {'%', kDigits[byte / 16], kDigits[byte % 16]};
  }
  return out;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* const digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct Kept {
  Owner owner;
  std::string name, bind;
};

// Nothing when the name is not one that name_to_keep() made.
std::optional<Kept> kept_as(std::string_view text) {
  const bool listener = text.starts_with(kListener);
  if (!listener && !text.starts_with(kAdmin)) return std::nullopt;
  text.remove_prefix(listener ? kListener.size() : kAdmin.size());
  const auto slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  return Kept{listener ? Owner::listener : Owner::admin, unescaped(text.substr(0, slash)),
              unescaped(text.substr(slash + 1))};
}

handoff::Sockets& group_of(std::vector<handoff::Sockets>& groups, const Kept& kept) {
  for (auto& group : groups)
    if (!group.lent && group.name == kept.name && group.bind == kept.bind) return group;
  return groups.emplace_back(handoff::Sockets{kept.name, kept.bind, false, {}});
}

void add(handoff::Sockets& group, int descriptor) {
  auto all = group.descriptors.release();
  all.push_back(descriptor);
  group.descriptors = handoff::Descriptors(std::move(all));
}

void add(Inventory& inventory, const std::string& name, const std::vector<int>& descriptors) {
  if (name.empty()) return;
  auto& inodes = inventory[name];
  for (const int one : descriptors) inodes.push_back(net::inode_of(one));
  std::sort(inodes.begin(), inodes.end());
}

}  // namespace

std::string name_to_keep(Owner owner, const std::string& name, const std::string& bind) {
  std::string made(owner == Owner::listener ? kListener : kAdmin);
  made += escaped(name) + '/' + escaped(bind);
  return made.size() <= kLongestName ? made : std::string();
}

handoff::Parcel parcel_of(std::vector<Passed> passed) {
  handoff::Parcel parcel;
  parcel.kept = true;
  for (auto& [name, descriptor] : passed) {
    if (const auto kept = kept_as(name))
      add(group_of(kept->owner == Owner::listener ? parcel.listeners : parcel.admin, *kept), descriptor);
    else
      parcel.listeners.push_back({std::move(name), "", true, handoff::Descriptors({descriptor})});
  }
  return parcel;
}

Inventory inventory_of(const std::vector<KeptSockets>& sockets) {
  Inventory all;
  for (const auto& one : sockets) add(all, one.name, one.descriptors);
  return all;
}

Inventory inventory_of(const handoff::Parcel& parcel) {
  Inventory all;
  if (!parcel.kept) return all;
  for (const auto& one : parcel.listeners)
    if (!one.lent) add(all, name_to_keep(Owner::listener, one.name, one.bind), one.descriptors.all());
  for (const auto& one : parcel.admin)
    add(all, name_to_keep(Owner::admin, one.name, one.bind), one.descriptors.all());
  return all;
}

std::vector<std::string> to_forget(const Inventory& kept, const Inventory& wanted) {
  std::vector<std::string> names;
  for (const auto& [name, inodes] : kept)
    if (const auto found = wanted.find(name); found == wanted.end() || found->second != inodes)
      names.push_back(name);
  return names;
}

void SocketStore::keep(const std::vector<KeptSockets>& wanted) {
  auto next = inventory_of(wanted);
  for (const auto& name : to_forget(kept_, next)) notify_.forget(name);
  // What it has already it does not take twice, and what it had no room for before it may take now.
  for (const auto& one : wanted)
    if (!one.name.empty()) notify_.keep(one.name, one.descriptors);
  kept_ = std::move(next);
}

}  // namespace sluice::daemon
