// What is wanted: shares, who owns which slot, admin states, weights, and the backends that came and went at
// run time. Journaled (journal.hpp); made from the configuration (from_spec), changed by the operator
// (apply.hpp), brought together with a new configuration (merge.hpp), turned into a Snapshot by the
// publisher. Pure values; one owner: control.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/state/rollout.hpp"
#include "control/state/shift.hpp"
#include "proxy/base/shared_list.hpp"
#include "proxy/config/spec.hpp"
#include "proxy/observe/live.hpp"
#include "proxy/route/slots.hpp"
#include "proxy/route/traffic.hpp"

namespace sluice::state {

using config::kMostPools;
using config::kWhole;
using config::Share;
using observe::Admin;

// Shares by pool name, where the order of the pools is not the point.
using Table = std::vector<std::pair<std::string, Share>>;

// The operator's word on one address of a backend that stands for several; it ends when the address is gone.
struct MemberState {
  std::string address;  // "10.0.0.7:8000"
  Admin admin = Admin::ready;
  std::optional<std::int64_t> drain_deadline;  // as in BackendState
  bool operator==(const MemberState&) const = default;
};

struct BackendState {
  std::string name;     // unique in its pool, and its identity over reloads
  std::string address;  // as written
  std::uint32_t weight = 1;
  Admin admin = Admin::ready;
  // Unix milliseconds; only while draining. None: it drains as long as that takes.
  std::optional<std::int64_t> drain_deadline;
  bool added = false;                        // at run time: the configuration does not know it
  std::optional<std::uint32_t> base_weight;  // T2: the configured weight that `weight` replaced
  bool every_address = false;                // each address of its name is a member, NAME/ADDRESS
  std::vector<MemberState> members;          // by address; only those whose admin state is not the backend's
  bool operator==(const BackendState&) const = default;

  // "10.0.0.7:8000" of "web/10.0.0.7:8000"; empty when that is no member's name.
  std::string_view member_in(std::string_view target) const;
  MemberState member(std::string_view wanted) const;  // as it stands, with the backend's state if it has none

  void set_weight(std::uint32_t wanted);  // the operator's; remembers the configured one (T2)
  std::uint32_t configured_weight() const { return base_weight.value_or(weight); }
};

// A configured backend that was removed at run time, as the configuration had it then (T2).
struct RemovedBackend {
  std::string name;
  std::string address;
  std::uint32_t weight = 1;
  bool every_address = false;
  bool operator==(const RemovedBackend&) const = default;
};

struct PoolState {
  std::string name;
  Share share = 0;
  std::vector<BackendState> backends;   // by name
  std::vector<RemovedBackend> removed;  // by name

  const BackendState* backend(std::string_view wanted) const;
  BackendState* backend(std::string_view wanted);
  // The backend of that name, or the backend that has a member of that name.
  const BackendState* backend_of(std::string_view target) const;
  const RemovedBackend* removed_one(std::string_view wanted) const;
  void put(BackendState backend);  // in its place by name, or instead of what has its name
  void put(RemovedBackend backend);
  bool operator==(const PoolState&) const = default;
};

struct ServiceState {
  std::string name;
  std::vector<PoolState> pools;  // in the order configured; the shares add up to kWhole
  route::SlotTable slots{1, 0};  // one stack per pool; owns exactly the shares
  // Pools that held 100 %, the latest last, at most kRemembered; never empty.
  std::vector<std::string> stable_history;
  std::string configured_stable;  // T2: the stable pool that the configuration named or implied
  // T2: while a run-time split is in force, the configured split that it replaced (only shares above 0, by
  // name).
  std::optional<Table> configured_split;
  std::optional<Rollout> rollout;          // the active one, or the last
  std::optional<Unconfirmed> unconfirmed;  // C8
  std::optional<TakenBack> taken_back;     // C7: the last shift, when it is not in force any more
  std::optional<Retained> retained;        // the pools that the last shift left, while they are kept
  std::vector<LeftPool> left;              // pools whose share ended; only of services with `assets`
  std::optional<route::Hold> hold;         // P1: paused or stopped
  std::vector<route::Flag> flags;          // F1; by name
  std::optional<route::Mirror> mirror;     // M1
  static constexpr std::size_t kRemembered = 16;

  // The pool that last held 100 %; before any did, the configured one.
  const std::string& stable() const { return stable_history.back(); }
  const PoolState* pool(std::string_view wanted) const;
  PoolState* pool(std::string_view wanted);
  const route::Flag* flag(std::string_view wanted) const;
  void put(route::Flag flag);                         // in its place by name, or instead of what has its name
  std::size_t index_of(std::string_view pool) const;  // pools.size() when there is none
  std::vector<Share> shares() const;                  // by pool
  Table split() const;                                // only shares above 0, by name
  bool operator==(const ServiceState&) const = default;

  // Installs a share for every pool: moves the fewest slots (S5), remembers what the configuration said (T2),
  // and a pool that gets 100 % as the stable one. What was said of the shift before is over. Nothing if they
  // are in force already.
  // Requires: one share per pool, adding up to kWhole.
  void set_shares(const std::vector<Share>& wanted);
  void remember_stable(const std::string& pool);
};

struct State {
  std::uint64_t generation = 0;  // 0: nothing was ever published
  // By name: equal states compare equal, whatever the order in the configuration.
  // A copy of the state shares them until they are changed.
  SharedList<ServiceState> services;

  const ServiceState* service(std::string_view wanted) const;
  ServiceState* service(std::string_view wanted);  // to be changed: this state's own from here on
  void put(ServiceState service);                  // in its place by name, or instead of what has its name
  void erase(std::string_view name);
  bool operator==(const State&) const = default;
};

// The state that a configuration asks for when nothing was changed at run time. Generation 1.
// Requires: a validated spec (pools not empty, split adding up to kWhole, stable set).
State from_spec(const config::Spec& spec);
ServiceState from_spec(const config::ServiceSpec& spec);
BackendState from_spec(const config::BackendSpec& spec);

// The share that a table gives to a pool; 0 when it does not name it.
Share share_in(const Table& table, std::string_view pool);
// Only shares above 0, by name: two tables that mean the same are equal.
Table normalized(Table table);

}  // namespace sluice::state
