#include "control/state/merge.hpp"

#include <algorithm>

#include "control/state/carry.hpp"
#include "control/state/diff.hpp"
#include "control/state/traffic.hpp"

namespace sluice::state {
namespace {

using Sentences = std::vector<std::string>;

struct Report {
  Sentences& conflicts;
  Sentences& changes;
};

// A backend that the configuration lists and that was there before.
BackendState merge_backend(const BackendState& runtime, const config::BackendSpec& spec,
                           const std::string& path, Report report) {
  BackendState merged = runtime;
  merged.address = spec.address.text;
  merged.added = false;
  merged.every_address = spec.every_address;
  if (!spec.every_address) merged.members.clear();
  merged.base_weight.reset();
  if (runtime.base_weight && *runtime.base_weight == spec.weight) {
    merged.base_weight = runtime.base_weight;
    return merged;
  }
  merged.weight = spec.weight;
  const bool overruled = runtime.base_weight || runtime.added;
  if (merged.weight != runtime.weight)
    (overruled ? report.conflicts : report.changes)
        .push_back(path + ": the weight was " + std::to_string(runtime.weight) +
                   (overruled ? ", set at run time;" : ";") + " the configuration says " +
                   std::to_string(spec.weight) + " now");
  if (merged.address != runtime.address)
    (runtime.added ? report.conflicts : report.changes)
        .push_back(path + ": the address was " + runtime.address +
                   (runtime.added ? ", added at run time;" : ";") + " the configuration says " +
                   merged.address + " now");
  return merged;
}

bool as_it_was(const RemovedBackend& removed, const config::BackendSpec& spec) {
  return removed.address == spec.address.text && removed.weight == spec.weight &&
         removed.every_address == spec.every_address;
}

void merge_configured(PoolState& merged, const PoolState& runtime, const config::BackendSpec& spec,
                      const std::string& path, Report report) {
  const BackendState* there = runtime.backend(spec.name);
  const RemovedBackend* removed = runtime.removed_one(spec.name);
  if (removed && as_it_was(*removed, spec)) {
    merged.put(*removed);
    if (there) merged.put(*there);  // added under the same name, elsewhere
    return;
  }
  if (removed)
    report.conflicts.push_back(
        path + ": it was removed at run time; the configuration has changed it and brings it back");
  if (there) {
    merged.put(merge_backend(*there, spec, path, report));
    return;
  }
  merged.put(from_spec(spec));
  if (!removed) report.changes.push_back(path + ": new in the configuration");
}

bool has_address(const PoolState& pool, const std::string& address) {
  return std::any_of(pool.backends.begin(), pool.backends.end(),
                     [&](const auto& backend) { return backend.address == address; });
}

// What the configuration does not list: added at run time, so it stays, or gone.
void merge_unlisted(PoolState& merged, const BackendState& backend, const std::string& path, Report report) {
  if (!backend.added) {
    report.changes.push_back(path + ": gone from the configuration");
  } else if (has_address(merged, backend.address)) {
    report.conflicts.push_back(path + ": it was added at run time; the configuration lists " +
                               backend.address + " under another name now");
  } else {
    merged.put(backend);
  }
}

PoolState merge_pool(const PoolState& runtime, const config::PoolSpec& spec, const std::string& path,
                     Report report) {
  PoolState merged;
  merged.name = spec.name;
  merged.share = runtime.share;
  for (const auto& backend : spec.backends)
    merge_configured(merged, runtime, backend, path + "/" + backend.name, report);
  for (const auto& backend : runtime.backends) {
    const bool listed = std::any_of(spec.backends.begin(), spec.backends.end(),
                                    [&](const auto& other) { return other.name == backend.name; });
    if (!listed) merge_unlisted(merged, backend, path + "/" + backend.name, report);
  }
  return merged;
}

std::vector<PoolState> merge_pools(const ServiceState& runtime, const config::ServiceSpec& spec,
                                   Report report) {
  std::vector<PoolState> pools;
  for (const auto& pool : spec.pools) {
    const PoolState* was = runtime.pool(pool.name);
    const std::string path = spec.name + "/" + pool.name;
    if (!was) report.changes.push_back(path + ": new in the configuration");
    if (was) {
      pools.push_back(merge_pool(*was, pool, path, report));
      continue;
    }
    PoolState made;
    made.name = pool.name;
    for (const auto& backend : pool.backends) made.put(from_spec(backend));
    pools.push_back(std::move(made));
  }
  for (const auto& pool : runtime.pools)
    if (!spec.pool(pool.name))
      report.changes.push_back(spec.name + "/" + pool.name + ": gone from the configuration");
  return pools;
}

bool all_there(const Table& table, const config::ServiceSpec& spec) {
  return std::all_of(table.begin(), table.end(), [&](const auto& entry) { return spec.pool(entry.first); });
}

// The shares that are to be in force: the run-time ones if the configuration says what it said then.
Table merge_split(const ServiceState& runtime, const config::ServiceSpec& spec, Report report) {
  const Table configured = normalized(spec.split);
  const Table now = runtime.split();
  if (now == configured) return configured;
  const std::string wins = "the configuration says " + split_text(configured) + " now";
  if (!runtime.configured_split) {
    report.changes.push_back(spec.name + ": the split was " + split_text(now) + "; " + wins);
    return configured;
  }
  if (*runtime.configured_split == configured && all_there(now, spec)) return now;
  report.conflicts.push_back(spec.name + ": the split was " + split_text(now) + ", set at run time; " + wins);
  return configured;
}

void merge_stable_history(ServiceState& merged, const ServiceState& runtime,
                          const config::ServiceSpec& spec) {
  if (spec.stable != runtime.configured_stable || merged.split() != runtime.split())
    merged.stable_history = surviving_stable_history(runtime.stable_history, merged);
  else if (!std::all_of(runtime.stable_history.begin(), runtime.stable_history.end(),
                        [&](const auto& p) { return spec.pool(p); }))
    merged.stable_history = surviving_stable_history(runtime.stable_history, merged);
  if (spec.stable != runtime.configured_stable) merged.remember_stable(spec.stable);
}

void merge_left(ServiceState& merged, const ServiceState& runtime) {
  merged.left = runtime.left;
  std::erase_if(merged.left, [&](const LeftPool& left) { return !merged.pool(left.pool); });
}

void merge_retained(ServiceState& merged, const ServiceState& runtime) {
  merged.retained = runtime.retained;
  if (!merged.retained) return;
  std::erase_if(merged.retained->pools, [&](const std::string& pool) { return !merged.pool(pool); });
  if (merged.retained->pools.empty()) merged.retained.reset();
}

// A rollout goes on while its pools are there and its shares are in force.
void merge_pending(ServiceState& merged, const ServiceState& runtime, Report report) {
  const bool same_shares = merged.split() == runtime.split();
  merge_left(merged, runtime);
  if (same_shares) {
    merged.unconfirmed = runtime.unconfirmed;
    merged.taken_back = runtime.taken_back;
    merge_retained(merged, runtime);
  }
  if (!runtime.rollout || !merged.pool(runtime.rollout->from) || !merged.pool(runtime.rollout->to)) {
    if (runtime.rollout && runtime.rollout->active())
      report.conflicts.push_back(runtime.name + ": the rollout " + runtime.rollout->text() +
                                 " is over, the configuration has not both of its pools any more");
    return;
  }
  merged.rollout = runtime.rollout;
  if (same_shares || !runtime.rollout->active()) return;
  report.conflicts.push_back(runtime.name + ": the rollout " + runtime.rollout->text() +
                             " is over, the configuration says another split now");
  merged.rollout->end(RolloutPhase::aborted, runtime.rollout->step_began,
                      "the configuration says another split now");
}

ServiceState merge_service(const ServiceState& runtime, const config::ServiceSpec& spec, Report report) {
  ServiceState merged;
  merged.name = spec.name;
  merged.configured_stable = spec.stable;
  merged.pools = merge_pools(runtime, spec, report);
  const Table split = merge_split(runtime, spec, report);
  for (auto& pool : merged.pools) pool.share = share_in(split, pool.name);
  const Table configured = normalized(spec.split);
  if (split != configured) merged.configured_split = configured;
  merged.slots = slots_for(runtime, merged);
  merged.stable_history = runtime.stable_history;
  merge_stable_history(merged, runtime, spec);
  merge_pending(merged, runtime, report);
  merge_traffic(merged, runtime, report.conflicts);
  return merged;
}

}  // namespace

Merged merge(const State& runtime, const config::Spec& spec) {
  Merged result;
  const Report report{result.conflicts, result.changes};
  result.state.generation = runtime.generation;
  for (const auto& service : spec.services) {
    const ServiceState* was = runtime.service(service.name);
    if (!was) report.changes.push_back(service.name + ": new in the configuration");
    result.state.put(was ? merge_service(*was, service, report) : from_spec(service));
  }
  for (const auto& service : runtime.services)
    if (!result.state.service(service.name))
      report.changes.push_back(service.name + ": gone from the configuration");
  result.changed = !(result.state == runtime);
  if (result.changed) ++result.state.generation;
  return result;
}

}  // namespace sluice::state
