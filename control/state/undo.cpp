#include "control/state/apply.hpp"
#include "control/state/carry.hpp"
#include "control/state/pending.hpp"
#include "control/state/traffic.hpp"
#include "proxy/base/values.hpp"

namespace sluice::state {
namespace {

// Shares, slots and stable pools of `service` as they were in `recorded`.
std::optional<protocol::Problem> restore_shares(ServiceState& service, const ServiceState& recorded) {
  std::vector<Share> shares(service.pools.size(), 0);
  for (const auto& pool : recorded.pools) {
    if (service.pool(pool.name))
      shares[service.index_of(pool.name)] = pool.share;
    else if (pool.share > 0)
      return protocol::conflict("pool '" + service.name + "/" + pool.name + "' had " +
                                format_share(pool.share) + " then and is gone");
  }
  service.set_shares(shares);
  service.slots = slots_for(recorded, service);
  service.stables = surviving_stables(recorded.stables, service);
  return std::nullopt;
}

void restore_backend(BackendState& backend, const BackendState& recorded) {
  backend.admin = recorded.admin;
  backend.drain_deadline = recorded.drain_deadline;
  backend.set_weight(recorded.weight);
}

void restore_backends(ServiceState& service, const ServiceState& recorded) {
  for (auto& pool : service.pools) {
    const PoolState* then = recorded.pool(pool.name);
    if (!then) continue;
    for (auto& backend : pool.backends)
      if (const BackendState* was = then->backend(backend.name)) restore_backend(backend, *was);
  }
}

}  // namespace

Result<Change> undo(const State& state, const State& recorded) {
  State next = state;
  std::vector<std::string> notes;
  for (auto& service : next.services) {
    const ServiceState* then = recorded.service(service.name);
    if (!then) {
      notes.push_back("service '" + service.name + "' was not there yet and stays as it is");
      continue;
    }
    const Table shares_now = service.split();
    if (auto problem = restore_shares(service, *then)) return *problem;
    if (service.split() != shares_now && service.rollout && service.rollout->active()) return *busy(service);
    if (service.split() != shares_now) service.unconfirmed.reset();
    restore_backends(service, *then);
    restore_traffic(service, *then);
  }
  Change change = change_between(state, std::move(next));
  change.notes = std::move(notes);
  if (change.changed) change.undo = "sluicectl undo --to-generation " + std::to_string(state.generation);
  return change;
}

}  // namespace sluice::state
