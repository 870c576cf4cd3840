// What stands in the way of a change or waits behind it: a rollout that is active, a change that is to be
// confirmed (C8). Pure, as apply.hpp.
#pragma once

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
// What was changed stays. A conflict when nothing of these services waits.
Result<Change> confirm(const State& state, const std::vector<std::string>& services);
// Takes the unconfirmed change of `generation` back in all services that it changed, every user to where they
// were (S5).
Result<Change> revert(const State& state, std::uint64_t generation);

// The shares, owners of slots and stable pools of before; pools that are gone since get nothing.
void put_back(ServiceState& service, const Table& shares, const std::vector<std::string>& stables);

}  // namespace sluice::state
