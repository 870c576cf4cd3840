#include "control/change/checks.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>

#include "control/rollout_driver/verify.hpp"
#include "control/state/diff.hpp"
#include "control/state/sentences.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;
using protocol::Problem;

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

// Why the change that was checked may not be made any more: what other changes moved meanwhile.
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

Proposal with_notes(Proposal proposal, std::vector<Seen> seen, std::vector<std::string> notes) {
  proposal.change = [change = std::move(proposal.change), seen = std::move(seen),
                     notes = std::move(notes)](const state::State& now) -> state::Result<state::Change> {
    for (const auto& one : seen)
      if (auto problem = moved(now, one)) return *problem;
    auto changed = change(now);
    if (changed) changed->notes.insert(changed->notes.end(), notes.begin(), notes.end());
    return changed;
  };
  return proposal;
}

}  // namespace

// First as a dry run: what would be refused is refused before anything is asked of the new pool.
asio::awaitable<Result<Proposal>> Checks::pass(Invocation invocation, Proposal proposal, StringPairs services,
                                               std::vector<config::VerifySpec> checks) {
  Invocation trial = invocation;
  trial.options.dry_run = true;
  Proposal same = proposal;
  const auto would = co_await committer_.commit(std::move(trial), std::move(same));
  if (!would) {
    if (!invocation.options.dry_run)
      recorder_.audit(invocation, proposal.verb, {}, "refused: " + would.error().detail);
    co_return would.error();
  }
  if (!would->changed) co_return proposal;
  std::vector<rollout_driver::Verification> all;
  for (const auto& [name, pool] : services)
    all.push_back(rollout_driver::verification_of(*in_force_.snapshot, name, pool, checks));
  std::vector<std::string> notes;
  if (invocation.options.dry_run) {
    for (const auto& one : all)
      for (auto& sentence : told(one)) notes.push_back(std::move(sentence));
    co_return with_notes(std::move(proposal), {}, std::move(notes));
  }
  auto seen = seen_in(in_force_.state, services);
  for (const auto& one : all) {
    auto work = rollout_driver::verify(loop_, one);
    auto verified = co_await std::move(work);
    const std::string pool = one.service + "/" + one.pool;
    if (verified.verdict != Verdict::pass)
      co_return recorder_.refuse(invocation, proposal.verb,
                                 protocol::gate_failed("nothing was changed, " + pool +
                                                       " has not passed its checks: " + verified.why));
    notes.push_back(pool + " is " + verified.why);
  }
  co_return with_notes(std::move(proposal), std::move(seen), std::move(notes));
}

}  // namespace sluice::change
