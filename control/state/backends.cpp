// Admin states, weights, coming and going of backends: the part of apply.hpp that leaves shares alone.
#include <algorithm>
#include <cassert>

#include "control/state/apply.hpp"
#include "proxy/base/origin.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"

namespace sluice::state {
namespace {

using protocol::Problem;

bool applies_to(const Target& target, const BackendState& backend) {
  return target.backend.empty() || backend.name == target.backend;
}

// What DNS gives is not the operator's to weigh or to take out.
std::optional<Problem> is_member(const State& state, const Target& target, const std::string& instead) {
  const PoolState& pool = *state.service(target.service)->pool(target.pool);
  if (pool.backend(target.backend)) return std::nullopt;
  const BackendState& whole = *pool.backend_of(target.backend);
  return protocol::refused(to_string(target) + " is one of the addresses of " + sluice::quoted(whole.name) +
                               ", which the name server gives",
                           instead);
}

PoolState& pool_of(State& state, const Target& target) {
  return *state.service(target.service)->pool(target.pool);
}

void set_admin(BackendState& backend, Admin admin, std::optional<std::int64_t> drain_deadline) {
  if (backend.admin == admin) return;  // D3: a second drain does not extend the first
  backend.admin = admin;
  backend.drain_deadline = admin == Admin::draining ? drain_deadline : std::nullopt;
}

// The operator's word on one address; that of the backend needs no keeping.
void set_admin(BackendState& backend, std::string_view address, Admin admin,
               std::optional<std::int64_t> drain_deadline) {
  MemberState member = backend.member(address);
  if (member.admin == admin) return;
  std::erase_if(backend.members, [&](const MemberState& other) { return other.address == address; });
  if (admin == backend.admin) return;
  member.admin = admin;
  member.drain_deadline = admin == Admin::draining ? drain_deadline : std::nullopt;
  const auto place =
      std::lower_bound(backend.members.begin(), backend.members.end(), member,
                       [](const MemberState& a, const MemberState& b) { return a.address < b.address; });
  backend.members.insert(place, std::move(member));
}

std::string_view verb_for(Admin admin) { return admin == Admin::draining ? "drain" : to_string(admin); }

// One command if all that changed were alike before, else back to the generation.
std::string undo_of_admin(const State& before, const Target& target, Admin wanted) {
  std::optional<Admin> was;
  for (const auto& backend : before.service(target.service)->pool(target.pool)->backends) {
    if (const auto address = backend.member_in(target.backend); !address.empty())
      was = backend.member(address).admin;
    if (!applies_to(target, backend)) continue;
    if (backend.admin == wanted || !backend.members.empty() || (was && *was != backend.admin))
      return "sluicectl undo --to-generation " + std::to_string(before.generation);
    was = backend.admin;
  }
  return "sluicectl " + std::string(verb_for(*was)) + " " + to_string(target);
}

std::optional<Problem> bad_name(const std::string& name) {
  constexpr std::size_t kLongest = 255;
  const bool bad =
      name.empty() || name.size() > kLongest || std::any_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == '/' || c == 0x7f;
      });
  const bool is_socket = is_unix(name) && parse_origin(name);  // named by its path
  if (!bad || is_socket) return std::nullopt;
  return protocol::malformed(
      sluice::quoted(name) + " cannot be a backend's name: 1 to 255 characters, no space and no '/'", "name");
}

std::optional<Problem> bad_weight(std::uint32_t weight) {
  if (weight <= kMostWeight) return std::nullopt;
  return protocol::malformed("weight " + std::to_string(weight) + " is above " + std::to_string(kMostWeight),
                             "weight");
}

std::string whole_of(const State& state, const Target& target) {
  const PoolState& pool = *state.service(target.service)->pool(target.pool);
  return to_string(Target{target.service, target.pool, pool.backend_of(target.backend)->name});
}

// The backend as it would be, back under the configuration if that still lists it as it was.
BackendState made_of(const PoolState& pool, const std::string& name, const NewBackend& wanted) {
  const RemovedBackend* removed = pool.removed_one(name);
  BackendState backend;
  backend.name = name;
  backend.address = !wanted.address.empty() ? wanted.address : removed ? removed->address : name;
  backend.added = !removed || removed->address != backend.address;
  backend.weight = removed ? removed->weight : 1;
  backend.every_address = is_srv(backend.address) || (!backend.added && removed->every_address);
  if (wanted.weight) backend.set_weight(*wanted.weight);
  return backend;
}

std::optional<Problem> taken(const PoolState& pool, const std::string& path, const BackendState& wanted) {
  for (const auto& backend : pool.backends)
    if (backend.name != wanted.name && backend.address == wanted.address)
      return protocol::conflict("pool '" + path + "' has " + wanted.address + " already, as '" +
                                backend.name + "'");
  const BackendState* same = pool.backend(wanted.name);
  if (same && same->address != wanted.address)
    return protocol::conflict(
        "pool '" + path + "' has a backend '" + wanted.name + "' already, at " + same->address,
        "remove it first or give another --name");
  if (!same && pool.backends.size() >= kMostBackends)
    return protocol::refused("pool '" + path + "' has " + std::to_string(kMostBackends) +
                             " backends already");
  return std::nullopt;
}

std::optional<Problem> other_weight(const BackendState& same, const NewBackend& wanted,
                                    const Target& target) {
  if (!wanted.weight || *wanted.weight == same.weight) return std::nullopt;
  return protocol::conflict(
      "'" + to_string(target) + "' is there already, with weight " + std::to_string(same.weight),
      "sluicectl weight " + to_string(target) + " " + std::to_string(*wanted.weight));
}

std::string undo_of_remove(const Target& target, const BackendState& backend) {
  std::string command = "sluicectl add " + target.service + "/" + target.pool + " " + backend.address;
  if (backend.name != backend.address) command += " --name " + backend.name;
  if (backend.weight != 1 || backend.configured_weight() != 1)
    command += " --weight " + std::to_string(backend.weight);
  return command;
}

}  // namespace

Result<Change> set_admin(const State& state, const Target& target, Admin admin,
                         std::optional<std::int64_t> drain_deadline) {
  if (auto problem = missing(state, target)) return *problem;
  State next = state;
  for (auto& backend : pool_of(next, target).backends) {
    if (const auto address = backend.member_in(target.backend); !address.empty())
      set_admin(backend, address, admin, drain_deadline);
    if (!applies_to(target, backend)) continue;
    set_admin(backend, admin, drain_deadline);
    backend.members.clear();
  }
  Change change = change_between(state, std::move(next));
  if (change.changed) change.undo = undo_of_admin(state, target, admin);
  return change;
}

Result<Change> set_weight(const State& state, const Target& target, std::uint32_t weight) {
  assert(!target.backend.empty());
  if (auto problem = bad_weight(weight)) return *problem;
  if (auto problem = missing(state, target)) return *problem;
  if (auto problem =
          is_member(state, target, "weigh the whole: sluicectl weight " + whole_of(state, target) + " N"))
    return *problem;
  State next = state;
  BackendState& backend = *pool_of(next, target).backend(target.backend);
  const std::uint32_t former = backend.weight;
  backend.set_weight(weight);
  Change change = change_between(state, std::move(next));
  if (change.changed) change.undo = "sluicectl weight " + to_string(target) + " " + std::to_string(former);
  return change;
}

Result<Change> add_backend(const State& state, const Target& target, const NewBackend& wanted) {
  if (auto problem = missing(state, {target.service, target.pool, {}})) return *problem;
  if (auto problem = bad_name(target.backend)) return *problem;
  if (auto problem = bad_weight(wanted.weight.value_or(0))) return *problem;
  State next = state;
  PoolState& pool = pool_of(next, target);
  const BackendState* same = pool.backend(target.backend);
  BackendState backend = made_of(pool, target.backend, wanted);
  if (same && wanted.address.empty()) backend.address = same->address;
  if (auto problem = taken(pool, target.service + "/" + target.pool, backend)) return *problem;
  if (same) {
    if (auto problem = other_weight(*same, wanted, target)) return *problem;
    return change_between(state, std::move(next));
  }
  std::erase_if(pool.removed,
                [&](const auto& removed) { return !backend.added && removed.name == backend.name; });
  pool.put(std::move(backend));
  Change change = change_between(state, std::move(next));
  change.undo = "sluicectl remove " + to_string(target);
  return change;
}

Result<Change> remove_backend(const State& state, const Target& target) {
  assert(!target.backend.empty());
  if (auto problem = missing(state, target)) return *problem;
  if (auto problem = is_member(state, target, "sluicectl drain " + to_string(target))) return *problem;
  State next = state;
  PoolState& pool = pool_of(next, target);
  const BackendState backend = *pool.backend(target.backend);
  if (!backend.added)
    pool.put(
        RemovedBackend{backend.name, backend.address, backend.configured_weight(), backend.every_address});
  std::erase_if(pool.backends, [&](const auto& other) { return other.name == backend.name; });
  Change change = change_between(state, std::move(next));
  change.undo = undo_of_remove(target, backend);
  return change;
}

}  // namespace sluice::state
