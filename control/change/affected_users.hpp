// How many users a change of shares moves, for a dry run. Pure.
#pragma once

#include <vector>

#include "control/protocol/messages.hpp"
#include "control/state/diff.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::change {

// Adds "users_moved" ({"api":"5%"}, of services with sticky keys) and a sentence for each service to `reply`.
void add_affected_users(protocol::Changed& reply, const state::State& before, const state::State& after,
                        const std::vector<state::ServiceDiff>& moved, const config::Spec& spec);

// Slots with another owner.
Share slots_moved(const state::ServiceState& before, const state::ServiceState& after);

}  // namespace sluice::change
