#include "control/state/pending.hpp"

#include "control/state/carry.hpp"
#include "control/state/diff.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"

namespace sluice::state {
namespace {

// "v2", or "v1=90% v2=10%"
std::string table_text(const ServiceState& service) {
  for (const auto& pool : service.pools)
    if (pool.share == kWhole) return pool.name;
  return split_text(service.split());
}

}  // namespace

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
      now->unconfirmed = Unconfirmed{deadline, change.next.generation, was->split(), was->stable_history};
  }
  // A split is refused while it waits; these two are not.
  if (!change.undo.starts_with("sluicectl rollback"))
    change.undo = "sluicectl undo --to-generation " + std::to_string(before.generation);
}

void retain_what_was_left(const State& before, Change& change, const std::string& service,
                          std::chrono::milliseconds how_long, std::int64_t time) {
  const ServiceState* was = before.service(service);
  ServiceState* now = change.next.service(service);
  if (!change.changed || how_long.count() <= 0 || !was || !now || was->split() == now->split()) return;
  if (now->split().size() != 1) return;
  Retained retained{{}, time + how_long.count()};
  for (const auto& pool : was->pools)
    if (pool.share > 0 && now->pool(pool.name)->share == 0) retained.pools.push_back(pool.name);
  change.notes.push_back(service + ": " + list_of(retained.pools) + " is retained for " +
                         duration_text(how_long) + ", for a way back");
  now->retained = std::move(retained);
}

Result<Change> confirm(const State& state, const std::vector<std::string>& services) {
  State next = state;
  Change change;
  for (const auto& name : services) {
    if (auto problem = missing_service(state, name)) return *problem;
    ServiceState& service = *next.service(name);
    if (!service.unconfirmed)
      return protocol::conflict("no change of service '" + name + "' waits to be confirmed",
                                "sluicectl history " + name + " says what became of it");
    change.step = service.unconfirmed->generation;
    service.unconfirmed.reset();
  }
  const std::uint64_t step = change.step;
  change = change_between(state, std::move(next));
  change.step = step;
  return change;
}

void put_back(ServiceState& service, const Table& shares, const std::vector<std::string>& stable_history) {
  std::vector<Share> wanted(service.pools.size(), 0);
  std::uint64_t sum = 0;
  for (const auto& [pool, share] : shares)
    if (service.pool(pool)) sum += wanted[service.index_of(pool)] = share;
  const std::size_t rest = service.index_of(service.configured_stable);
  if (sum < kWhole && rest < wanted.size()) wanted[rest] += static_cast<Share>(kWhole - sum);
  service.set_shares(wanted);
  service.stable_history = surviving_stable_history(stable_history, service);
}

Result<Change> revert(const State& state, std::uint64_t generation, std::int64_t time) {
  State next = state;
  for (const auto& before : state.services) {
    if (!before.unconfirmed || before.unconfirmed->generation != generation) continue;
    ServiceState& service = *next.service(before.name);
    const Unconfirmed was = *service.unconfirmed;
    service.unconfirmed.reset();
    put_back(service, was.before, was.stable_history_before);
    note_taken_back(before, service, "the missing confirmation", time);
  }
  Change change = change_between(state, std::move(next));
  change.step = generation;
  return change;
}

std::vector<Share> shares_with(const ServiceState& service, const Table& before, const std::string& from,
                               const std::string& to, Share share) {
  std::vector<Share> shares(service.pools.size(), 0);
  std::uint64_t others = 0, given = share;
  for (const auto& [pool, was] : before)
    if (pool != to && service.pool(pool)) others += was;
  for (const auto& [pool, was] : before) {
    if (pool == to || pool == from || !service.pool(pool) || others == 0) continue;
    shares[service.index_of(pool)] = static_cast<Share>(std::uint64_t{kWhole - share} * was / others);
    given += shares[service.index_of(pool)];
  }
  shares[service.index_of(to)] = share;
  shares[service.index_of(from)] += static_cast<Share>(kWhole - given);
  return shares;
}

// The new pool without a share, and stable what it was. Also when nothing had been shifted yet: who has to go
// back is back.
void leave_rollout(ServiceState& service, RolloutPhase how, std::int64_t time, const std::string& why,
                   const std::string& by) {
  Rollout& rollout = *service.rollout;
  const auto shares = shares_with(service, rollout.before, rollout.from, rollout.to, 0);
  Table table;
  for (std::size_t i = 0; i < shares.size(); ++i) table.emplace_back(service.pools[i].name, shares[i]);
  put_back(service, table, rollout.stable_history_before);
  if (!by.empty()) service.taken_back = TakenBack{time, by, rollout.to, table_text(service)};
  rollout.end(how, time, why);
}

void note_taken_back(const ServiceState& before, ServiceState& now, const std::string& by,
                     std::int64_t time) {
  std::vector<std::string> lost;
  for (const auto& pool : now.pools) {
    const PoolState* was = before.pool(pool.name);
    if (!was || was->share <= pool.share) continue;
    if (pool.share > 0) return;
    lost.push_back(pool.name);
  }
  if (!lost.empty()) now.taken_back = TakenBack{time, by, list_of(lost), table_text(now)};
}

}  // namespace sluice::state
