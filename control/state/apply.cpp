#include "control/state/apply.hpp"

#include <algorithm>
#include <set>

#include "control/state/pending.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"

namespace sluice::state {
namespace {

using protocol::Problem;

template <class Items>
std::vector<std::string> names_of(const Items& items) {
  std::vector<std::string> out;
  for (const auto& item : items) out.push_back(item.name);
  return out;
}

Problem no_pool(const ServiceState& service, const std::string& pool) {
  return protocol::not_found("service '" + service.name + "' has no pool " + sluice::quoted(pool),
                             protocol::did_you_mean(pool, names_of(service.pools)));
}

Problem named_twice(const std::string& name) {
  return protocol::malformed(sluice::quoted(name) + " is named twice");
}

// More than 100 % is not a Share any more; it is said with the same digits.
Problem not_whole(const ServiceState& service, std::uint64_t sum) {
  const auto whole = std::to_string(sum / 1000), fraction = format_share(static_cast<Share>(sum % 1000));
  const auto total = whole + (fraction == "0%" ? "%" : fraction.substr(1));
  auto problem =
      protocol::malformed("the shares of '" + service.name + "' add up to " + total + ", not to 100%");
  if (sum < kWhole)
    problem.suggestion = "name all but one pool and give it the rest: --rest POOL (?rest=POOL)";
  return problem;
}

std::vector<Share> all_to(const ServiceState& service, const std::string& pool) {
  std::vector<Share> shares(service.pools.size(), 0);
  shares[service.index_of(pool)] = kWhole;
  return shares;
}

// The shares that `table` asks for, by pool.
Result<std::vector<Share>> shares_of(const ServiceState& service, const Table& table,
                                     const std::string& rest) {
  std::vector<Share> shares(service.pools.size(), 0);
  std::set<std::string> named;
  std::uint64_t sum = 0;
  for (const auto& [pool, share] : table) {
    if (!service.pool(pool)) return no_pool(service, pool);
    if (!named.insert(pool).second) return named_twice(pool);
    sum += share;
    shares[service.index_of(pool)] = share;
  }
  if (!rest.empty() && !service.pool(rest)) return no_pool(service, rest);
  if (!rest.empty() && !named.insert(rest).second) return named_twice(rest);
  if (sum > kWhole || (rest.empty() && sum != kWhole)) return not_whole(service, sum);
  if (rest.empty()) return shares;
  for (const auto& pool : service.pools)
    if (pool.share > 0 && !named.contains(pool.name))
      return protocol::malformed("pool '" + pool.name + "' has " + format_share(pool.share) +
                                 " now: with --rest, name it as well");
  shares[service.index_of(rest)] = static_cast<Share>(kWhole - sum);
  return shares;
}

// One step down the stack of stable tables. False when there is nothing below.
bool roll_back(ServiceState& service) {
  if (service.pool(service.stable())->share == kWhole) {
    if (service.stable_history.size() == 1) return false;
    service.stable_history.pop_back();
  }
  service.set_shares(all_to(service, service.stable()));
  return true;
}

// What a rollback would have done if nobody had taken the last shift back; empty: nothing.
std::string further_back(const ServiceState& service) {
  ServiceState trial = service;
  if (!roll_back(trial)) return {};
  return "sluicectl cutover " + service.name + "=" + trial.stable();
}

std::string joined(const std::vector<std::string>& clauses) {
  std::string text;
  for (const auto& clause : clauses) text += (text.empty() ? "" : "; ") + clause;
  return text;
}

// The shortest command that brings the former shares back: what an operator in a hurry would type.
std::string undo_of_shares(const State& before, const Change& change) {
  std::vector<std::string> services;
  std::string names;
  State trial = change.next;
  bool by_rollback = true;
  for (const auto& diff : change.shares) {
    names += " " + diff.service;
    ServiceState& service = *trial.service(diff.service);
    by_rollback =
        roll_back(service) && by_rollback && service.split() == before.service(diff.service)->split();
  }
  if (names.empty()) return {};  // only a rollout ended that had shifted nothing
  if (by_rollback) return "sluicectl rollback" + names;
  if (change.shares.size() == 1)
    return "sluicectl split" + names + " " + split_text(*before.service(change.shares.front().service));
  return "sluicectl undo --to-generation " + std::to_string(before.generation);
}

Change with_undo_of_shares(const State& before, Change change) {
  if (change.changed) change.undo = undo_of_shares(before, change);
  return change;
}

}  // namespace

Change change_between(const State& before, State next) {
  Change change;
  next.generation = before.generation;
  change.changed = !(next == before);
  if (change.changed) ++next.generation;
  change.shares = shares_between(before, next);
  Texts texts = texts_between(before, next);
  change.before = std::move(texts.before);
  change.after = std::move(texts.after);
  change.next = std::move(next);
  return change;
}

std::optional<Problem> missing_service(const State& state, const std::string& service) {
  if (state.service(service)) return std::nullopt;
  return protocol::not_found("there is no service " + sluice::quoted(service),
                             protocol::did_you_mean(service, names_of(state.services)));
}

std::optional<Problem> missing(const State& state, const Target& target) {
  if (auto problem = missing_service(state, target.service)) return problem;
  const ServiceState& service = *state.service(target.service);
  const PoolState* pool = service.pool(target.pool);
  if (!pool) return no_pool(service, target.pool);
  if (target.backend.empty() || pool->backend_of(target.backend)) return std::nullopt;
  return protocol::not_found(
      "pool '" + service.name + "/" + pool->name + "' has no backend " + sluice::quoted(target.backend),
      protocol::did_you_mean(target.backend, names_of(pool->backends)));
}

Result<Change> split(const State& state, const std::string& service, const Table& shares,
                     const std::string& rest) {
  if (auto problem = missing_service(state, service)) return *problem;
  if (auto problem = busy(*state.service(service))) return *problem;
  const auto wanted = shares_of(*state.service(service), shares, rest);
  if (!wanted) return wanted.error();
  State next = state;
  next.service(service)->set_shares(*wanted);
  return with_undo_of_shares(state, change_between(state, std::move(next)));
}

Result<Change> cutover(const State& state, const std::vector<std::pair<std::string, std::string>>& pools) {
  if (pools.empty()) return protocol::malformed("a cutover names at least one SERVICE=POOL");
  State next = state;
  std::set<std::string> named;
  for (const auto& [name, pool] : pools) {
    if (auto problem = missing(state, {name, pool, {}})) return *problem;
    if (!named.insert(name).second) return named_twice(name);
    ServiceState& service = *next.service(name);
    if (auto problem = busy(service)) return *problem;
    service.set_shares(all_to(service, pool));
  }
  return with_undo_of_shares(state, change_between(state, std::move(next)));
}

Result<Change> rollback(const State& state, const std::vector<std::string>& services, std::int64_t now) {
  if (services.empty()) return protocol::malformed("a rollback names at least one service");
  State next = state;
  std::set<std::string> named;
  std::vector<std::string> notes, clauses;
  for (const auto& name : services) {
    if (auto problem = missing_service(state, name)) return *problem;
    if (!named.insert(name).second) return named_twice(name);
    ServiceState& service = *next.service(name);
    service.unconfirmed.reset();
    if (service.rollout && service.rollout->active()) {
      leave_rollout(service, RolloutPhase::aborted, now, "the operator rolled the service back", "");
      if (service.split() == state.service(name)->split())
        notes.push_back(name + ": the rollout to " + service.rollout->to +
                        " is aborted; it had shifted nothing");
    } else if (service.taken_back) {
      clauses.push_back((services.size() > 1 ? name + ": " : "") + service.taken_back->text());
      if (const auto command = further_back(service); !command.empty())
        notes.push_back("further back on purpose: " + command);
    } else if (!roll_back(service)) {
      notes.push_back("service '" + name + "' has nothing to roll back to: '" + service.stable() +
                      "' has 100% and was the first stable pool");
    }
  }
  Change change = with_undo_of_shares(state, change_between(state, std::move(next)));
  if (change.changed)
    for (const auto& clause : clauses) notes.push_back("unchanged is " + clause);
  else
    change.why = joined(clauses);
  change.notes = std::move(notes);
  return change;
}

}  // namespace sluice::state
