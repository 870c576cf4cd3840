// A rollout's transitions as changes of the state, like the operator's (state/apply.hpp): the driver and the
// verbs publish them the same way (G1). Times are Unix milliseconds. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "control/state/apply.hpp"
#include "control/state/pending.hpp"
#include "control/state/rollout.hpp"

namespace sluice::rollout {

template <class T>
using Result = state::Result<T>;

struct Start {
  std::vector<std::pair<std::string, std::string>> services;  // service -> pool that is to get the traffic
  config::PlanSpec plan;
  std::string by;          // who asked
  bool supersede = false;  // an active rollout is aborted first
};
// With neither `verify` nor an A/A check in the plan the first step is in force with it. A conflict when one
// is active.
Result<state::Change> start(const state::State& now, const Start& wanted, std::int64_t time);

// To the first or the next step, or from the last to the end; `why` is kept as the reason. Each of these is
// of all services that were started together (C6), and a conflict when the service has no active rollout.
Result<state::Change> advance(const state::State& now, const std::string& service, std::int64_t time,
                              const std::string& why);
// At once to the last step.
Result<state::Change> jump(const state::State& now, const std::string& service, std::int64_t time,
                           const std::string& why);
// The last step passed: the shares stay.
Result<state::Change> finish(const state::State& now, const std::string& service, std::int64_t time,
                             const std::string& why);
// Back to the table before the rollout began, without the new pool. `how`: rolled_back or aborted. `by` is
// told to the operator of a later rollback; empty: what judged it, or the abort.
Result<state::Change> go_back(const state::State& now, const std::string& service, state::RolloutPhase how,
                              std::int64_t time, const std::string& why, const std::string& by = {});
Result<state::Change> set_paused(const state::State& now, const std::string& service, bool paused,
                                 std::int64_t time);

// These services and those whose active rollouts move in step with theirs.
std::vector<std::string> with_group(const state::State& now, const std::vector<std::string>& services);

// What an operator may not have meant: no gate, no hold, an end below 100 %. A sentence each.
std::vector<std::string> remarks(const config::PlanSpec& plan, const std::string& to);

using state::shares_with;

// Why a backend of this pool is not to be taken away: the pool is the way back, of an active rollout or
// retained after a shift. Empty when it is not.
std::string kept_for_rollback(const state::ServiceState& service, const std::string& pool, std::int64_t time);

}  // namespace sluice::rollout
