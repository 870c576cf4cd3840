// What stands in the way of a change or waits behind it: a rollout that is active, a change that is to be
// confirmed (C8). Pure, as apply.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/state/apply.hpp"

namespace sluice::state {

// A conflict while a rollout of this service is active, or while a change of it waits to be confirmed.
std::optional<protocol::Problem> busy(const ServiceState& service);

// `change` of `before` reverts at `deadline` (Unix milliseconds) unless it is confirmed.
void ask_for_confirmation(const State& before, Change& change, std::int64_t deadline);
// The pools that `change` left without a share stay as they are for `how_long` from `time` on (Unix
// milliseconds), in the services that went to one pool alone.
void retain_what_was_left(const State& before, Change& change, const std::string& service,
                          std::chrono::milliseconds how_long, std::int64_t time);
// What was changed stays. A conflict when nothing of these services waits.
Result<Change> confirm(const State& state, const std::vector<std::string>& services);
// Takes the unconfirmed change of `generation` back in all services that it changed, so that every user is
// where they were (S5), at `time` (Unix milliseconds).
Result<Change> revert(const State& state, std::uint64_t generation, std::int64_t time = 0);

// The table of before a rollout with `share` for `to`: the others have the rest in their proportions.
std::vector<Share> shares_with(const ServiceState& service, const Table& before, const std::string& from,
                               const std::string& to, Share share);
// Ends the active rollout with the table of before it, without the new pool, and `by` as who took it back.
// Requires: an active rollout.
void leave_rollout(ServiceState& service, RolloutPhase how, std::int64_t time, const std::string& why,
                   const std::string& by);

// C7: remembers that `by` took the last shift back, so that a rollback that comes now finds nothing to undo;
// only if every pool that `now` took shares from has none left.
void note_taken_back(const ServiceState& before, ServiceState& now, const std::string& by, std::int64_t time);

// The shares, owners of slots and stable pools of before; pools that are gone since get nothing.
void put_back(ServiceState& service, const Table& shares, const std::vector<std::string>& stable_history);

}  // namespace sluice::state
