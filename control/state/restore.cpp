#include "control/state/restore.hpp"

#include <algorithm>
#include <set>

#include "control/state/carry.hpp"
#include "control/state/pending.hpp"
#include "control/state/traffic.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"

namespace sluice::state {
namespace {

template <class Items>
void add_names(std::set<std::string>& names, const Items& items) {
  for (const auto& item : items) names.insert(item.name);
}

bool same_shares(const ServiceState& a, const ServiceState& b) {
  return a.split() == b.split() && a.stable_history == b.stable_history &&
         a.slots.stacks() == b.slots.stacks();
}

// The pools that had a share in `to` and are gone from `now`, named.
std::vector<std::string> gone_with_share(const ServiceState& now, const ServiceState& to) {
  std::vector<std::string> gone;
  for (const auto& pool : to.pools)
    if (pool.share > 0 && !now.pool(pool.name))
      gone.push_back("pool '" + to.name + "/" + pool.name + "' had " + format_share(pool.share) +
                     " then and is gone from the configuration");
  return gone;
}

void restore_shares(ServiceState& now, const ServiceState& from, const ServiceState& to,
                    Obstacles& obstacles) {
  if (same_shares(from, to)) return;
  const ServiceState before = now;
  for (auto& sentence : gone_with_share(now, to)) obstacles.lost.push_back(std::move(sentence));
  put_back(now, to.split(), to.stable_history);
  now.slots = slots_for(to, now);
  now.taken_back = to.taken_back;
  const bool moved = now.shares() != before.shares() || now.stable_history != before.stable_history ||
                     now.slots.owners() != before.slots.owners();
  if (!moved) now = before;  // its memory of former tables is no difference
}

// Restores the backends of one pool.
class PoolRestorer {
 public:
  PoolRestorer(PoolState& now, const PoolState& to, std::string path, std::int64_t time, Obstacles& obstacles)
      : now_(now), to_(to), path_(std::move(path)), time_(time), obstacles_(obstacles) {}

  void restore(const std::string& name, const BackendState* from, const BackendState* to) {
    if (from && to && *from == *to) return;
    if (to)
      set(*to, from);
    else if (from)
      take_out(name);
  }

 private:
  void set(const BackendState& to, const BackendState* from) {
    BackendState* there = now_.backend(to.name);
    const bool moved = from && from->address != to.address;
    if (there && !(moved && there->address != to.address)) return set_values(*there, to, from);
    if (there && !there->added && !to.added) return stays(to.name, "at " + there->address + ", where");
    bring_back(to);
  }

  void set_values(BackendState& there, const BackendState& to, const BackendState* from) {
    if (!from || from->admin != to.admin) {
      there.admin = to.admin;
      there.drain_deadline = deadline_of(to);
    }
    if (there.every_address && (!from || from->members != to.members || from->admin != to.admin))
      there.members = to.members;
    if (!from || from->weight != to.weight) there.set_weight(to.weight);
  }

  void bring_back(const BackendState& to) {
    const RemovedBackend* removed = now_.removed_one(to.name);
    const bool configured = removed && removed->address == to.address;
    if (!to.added && !configured) return lost(to.name, "is gone from the configuration");
    for (const auto& other : now_.backends)
      if (other.name != to.name && other.address == to.address)
        return lost(to.name, "cannot come back: '" + other.name + "' is at " + to.address);
    BackendState made = to;
    made.added = !configured;
    made.base_weight.reset();
    if (configured && removed->weight != made.weight) made.base_weight = removed->weight;
    made.drain_deadline = deadline_of(to);
    if (configured) std::erase_if(now_.removed, [&](const auto& one) { return one.name == to.name; });
    now_.put(std::move(made));
  }

  // What the configuration lists goes only if it had been removed at run time then.
  void take_out(const std::string& name) {
    const BackendState* there = now_.backend(name);
    if (!there) return;
    const bool removed_then = to_.removed_one(name) != nullptr;
    if (!there->added && !removed_then) return stays(name, "since");
    if (!there->added)
      now_.put(RemovedBackend{name, there->address, there->configured_weight(), there->every_address});
    std::erase_if(now_.backends, [&](const auto& one) { return one.name == name; });
  }

  std::optional<std::int64_t> deadline_of(const BackendState& to) const {
    return to.drain_deadline && *to.drain_deadline > time_ ? to.drain_deadline : std::nullopt;
  }
  void lost(const std::string& name, const std::string& why) {
    obstacles_.lost.push_back("backend '" + path_ + "/" + name + "' " + why);
  }
  void stays(const std::string& name, const std::string& how) {
    obstacles_.stays.push_back("backend '" + path_ + "/" + name + "' stays, " + how +
                               " the configuration has it");
  }

  PoolState& now_;
  const PoolState& to_;
  std::string path_;
  std::int64_t time_;
  Obstacles& obstacles_;
};

bool differ(const PoolState& a, const PoolState& b) {
  return a.backends != b.backends || a.removed != b.removed;
}

void restore_backends(ServiceState& now, const ServiceState& from, const ServiceState& to, std::int64_t time,
                      Obstacles& obstacles) {
  for (const auto& pool : to.pools) {
    const PoolState* was = from.pool(pool.name);
    if (was && !differ(*was, pool)) continue;
    PoolState* there = now.pool(pool.name);
    if (!there) {
      if (pool.share == 0)  // with a share it is named already
        obstacles.lost.push_back("pool '" + to.name + "/" + pool.name + "' is gone from the configuration");
      continue;
    }
    std::set<std::string> names;
    add_names(names, pool.backends);
    if (was) add_names(names, was->backends);
    PoolRestorer restorer(*there, pool, to.name + "/" + pool.name, time, obstacles);
    for (const auto& name : names)
      restorer.restore(name, was ? was->backend(name) : nullptr, pool.backend(name));
  }
}

void restore_flags(ServiceState& now, const ServiceState& from, const ServiceState& to,
                   Obstacles& obstacles) {
  std::set<std::string> names;
  add_names(names, from.flags);
  add_names(names, to.flags);
  for (const auto& name : names) {
    const route::Flag *was = from.flag(name), *then = to.flag(name);
    if (was && then && *was == *then) continue;
    if (!then)
      std::erase_if(now.flags, [&](const route::Flag& flag) { return flag.name == name; });
    else if (now.flag(name) || now.flags.size() < kMostFlags)
      now.put(*then);
    else
      obstacles.lost.push_back("flag '" + name + "' finds no room: service '" + now.name + "' has " +
                               std::to_string(kMostFlags));
  }
}

void restore_mirror(ServiceState& now, const ServiceState& from, const ServiceState& to,
                    Obstacles& obstacles) {
  if (from.mirror == to.mirror) return;
  if (to.mirror && !now.pool(to.mirror->pool))
    obstacles.lost.push_back("the mirror's pool '" + now.name + "/" + to.mirror->pool +
                             "' is gone from the configuration");
  else
    now.mirror = to.mirror;
}

}  // namespace

void restore(ServiceState& now, const ServiceState& from, const ServiceState& to, std::int64_t time,
             Obstacles& obstacles) {
  restore_shares(now, from, to, obstacles);
  restore_backends(now, from, to, time, obstacles);
  if (from.hold != to.hold) now.hold = to.hold;
  restore_flags(now, from, to, obstacles);
  restore_mirror(now, from, to, obstacles);
}

void restore(State& now, const State& recorded, std::int64_t time, Obstacles& obstacles) {
  for (const auto& then : recorded.services) {
    ServiceState* there = now.service(then.name);
    if (!there) {
      obstacles.lost.push_back("service '" + then.name + "' is gone from the configuration");
      continue;
    }
    const ServiceState from = *there;
    restore(*there, from, then, time, obstacles);
  }
  for (const auto& service : now.services)
    if (!recorded.service(service.name))
      obstacles.stays.push_back("service '" + service.name + "' was not there yet and stays as it is");
}

}  // namespace sluice::state
