// The checks of `cutover --verify` and `--exec-before`: all of them pass while the new pool has no request
// yet, then the change is made; one that fails leaves everything as it is. Other changes go on meanwhile:
// what they moved away from under the checks is not overwritten.
#include <algorithm>
#include <boost/asio/use_awaitable.hpp>

#include "control/change/control_impl.hpp"
#include "control/state/diff.hpp"
#include "proxy/route/query.hpp"

namespace sluice::change {

// What was in force when the checks began. (Not in the namespace below: a coroutine's frame holds it.)
struct SeenByChecks {
  std::string service, pool;
  state::Table split;
  std::vector<std::string> backends;  // that were checked
};

namespace {

using Seen = SeenByChecks;

using protocol::StringPairs;
using rollout::Verdict;

std::vector<std::string> ready_backends(const state::PoolState& pool) {
  std::vector<std::string> names;
  for (const auto& backend : pool.backends)
    if (backend.admin == observe::Admin::ready) names.push_back(backend.name + " " + backend.address);
  return names;
}

std::vector<Seen> seen_in(const state::State& now, const StringPairs& services) {
  std::vector<Seen> all;
  for (const auto& [name, pool] : services) {
    const auto& service = *now.service(name);
    all.push_back({name, pool, service.split(), ready_backends(*service.pool(pool))});
  }
  return all;
}

// Why the change is not any more what was asked for and checked.
std::optional<Problem> moved(const state::State& now, const Seen& seen) {
  if (auto problem = state::missing(now, {seen.service, seen.pool, {}})) return problem;
  const auto& service = *now.service(seen.service);
  if (service.split() != seen.split)
    return protocol::conflict("the shares of service '" + seen.service +
                                  "' moved while the checks ran, they are " + state::split_text(service) +
                                  " now; nothing was changed",
                              "sluicectl history " + seen.service + " says by whom");
  for (const auto& backend : ready_backends(*service.pool(seen.pool)))
    if (std::find(seen.backends.begin(), seen.backends.end(), backend) == seen.backends.end())
      return protocol::conflict(
          "backend " + backend.substr(0, backend.find(' ')) + " of " + seen.service + "/" + seen.pool +
              " became ready while the checks ran and was not checked; nothing was changed",
          "repeat the command");
  return std::nullopt;
}

Verb with_notes(Verb verb, std::vector<Seen> seen, std::vector<std::string> notes) {
  verb.change = [change = std::move(verb.change), seen = std::move(seen),
                 notes = std::move(notes)](const state::State& now) -> state::Result<state::Change> {
    for (const auto& one : seen)
      if (auto problem = moved(now, one)) return *problem;
    auto changed = change(now);
    if (changed) changed->notes.insert(changed->notes.end(), notes.begin(), notes.end());
    return changed;
  };
  return verb;
}

}  // namespace

rollout_driver::Verification Control::Impl::verification_of(const std::string& name,
                                                            const std::string& pool_name,
                                                            std::vector<config::VerifySpec> checks) const {
  rollout_driver::Verification made{name, pool_name, {}, std::move(checks), {}};
  const route::Service* service = find_service(*snapshot, name);
  const route::Pool* pool = service ? find_pool(*service, pool_name) : nullptr;
  if (!pool) return made;
  made.environment = rollout_driver::environment_of(*service, *pool, 0, 0, 0);
  for (const auto& backend : pool->backends) {
    if (backend.admin != observe::Admin::ready || backend.endpoints.empty()) continue;
    const health::MonitoredBackend* monitored = health_registry.find(backend.live->id);
    rollout_driver::VerifyTarget target;
    target.name = backend.name;
    if (monitored) target.to = monitored->to;
    target.to.address = backend.authority;
    target.to.endpoints = backend.endpoints;
    target.to.endpoints.insert(target.to.endpoints.begin(), backend.good());
    made.targets.push_back(std::move(target));
  }
  return made;
}

// First as a dry run: what would be refused is refused before anything is asked of the new pool.
asio::awaitable<Result<Verb>> Control::Impl::after_checks(Request request, Verb verb, StringPairs services,
                                                          std::vector<config::VerifySpec> checks) {
  Request trial = request;
  trial.options.dry_run = true;
  Verb same = verb;
  const auto would = co_await commit(std::move(trial), std::move(same));
  if (!would) {
    if (!request.options.dry_run) audit_line(request, verb.name, {}, "refused: " + would.error().detail);
    co_return would.error();
  }
  if (!would->changed) co_return verb;
  std::vector<rollout_driver::Verification> all;
  for (const auto& [name, pool] : services) all.push_back(verification_of(name, pool, checks));
  std::vector<std::string> notes;
  if (request.options.dry_run) {
    for (const auto& one : all)
      for (auto& sentence : told(one)) notes.push_back(std::move(sentence));
    co_return with_notes(std::move(verb), {}, std::move(notes));
  }
  auto seen = seen_in(state, services);
  for (const auto& one : all) {
    auto work = verify(loop, one);
    auto verified = co_await std::move(work);
    const std::string pool = one.service + "/" + one.pool;
    if (verified.verdict != Verdict::pass)
      co_return refuse(request, verb.name,
                       protocol::gate_failed("nothing was changed, " + pool +
                                             " has not passed its checks: " + verified.why));
    notes.push_back(pool + " is " + verified.why);
  }
  co_return with_notes(std::move(verb), std::move(seen), std::move(notes));
}

}  // namespace sluice::change
