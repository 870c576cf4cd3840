#include "control/state/pending.hpp"

#include "control/state/carry.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"

namespace sluice::state {

std::optional<protocol::Problem> busy(const ServiceState& service) {
  if (service.rollout && service.rollout->active())
    return protocol::conflict(
        "service '" + service.name + "' has a rollout " + service.rollout->text(),
        "sluicectl rollout abort " + service.name + ", or sluicectl rollback " + service.name);
  if (service.unconfirmed)
    return protocol::conflict(
        "the last change of service '" + service.name + "' waits to be confirmed",
        "sluicectl confirm " + service.name + ", or sluicectl rollback " + service.name);
  return std::nullopt;
}

void ask_for_confirmation(const State& before, Change& change, std::int64_t deadline) {
  for (const auto& diff : change.shares) {
    const ServiceState* was = before.service(diff.service);
    ServiceState* now = change.next.service(diff.service);
    if (was && now)
      now->unconfirmed = Unconfirmed{deadline, change.next.generation, was->split(), was->stables};
  }
}

Result<Change> confirm(const State& state, const std::vector<std::string>& services) {
  State next = state;
  std::vector<std::string> notes;
  for (const auto& name : services) {
    if (auto problem = missing_service(state, name)) return *problem;
    ServiceState& service = *next.service(name);
    if (!service.unconfirmed)
      return protocol::conflict("no change of service '" + name + "' waits to be confirmed",
                                "sluicectl history " + name + " says what became of it");
    service.unconfirmed.reset();
  }
  return change_between(state, std::move(next));
}

void put_back(ServiceState& service, const Table& shares, const std::vector<std::string>& stables) {
  std::vector<Share> wanted(service.pools.size(), 0);
  std::uint64_t sum = 0;
  for (const auto& [pool, share] : shares)
    if (service.pool(pool)) sum += wanted[service.index_of(pool)] = share;
  const std::size_t rest = service.index_of(service.configured_stable);
  if (sum < kWhole && rest < wanted.size()) wanted[rest] += static_cast<Share>(kWhole - sum);
  service.set_shares(wanted);
  service.stables = surviving_stables(stables, service);
}

Result<Change> revert(const State& state, std::uint64_t generation) {
  State next = state;
  for (auto& service : next.services) {
    if (!service.unconfirmed || service.unconfirmed->generation != generation) continue;
    const Unconfirmed was = *service.unconfirmed;
    service.unconfirmed.reset();
    put_back(service, was.before, was.stables_before);
  }
  return change_between(state, std::move(next));
}

}  // namespace sluice::state
