// C5: what a change may not do unless it is forced. They look at the health of now; nothing is changed.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "control/change/in_force.hpp"
#include "control/change/invocation.hpp"
#include "control/health/health_registry.hpp"
#include "control/protocol/fields.hpp"
#include "control/state/diff.hpp"

namespace sluice::change {

// What a change to `made` (of `next`) would take the last eligible backend of: a pool with a share, or the
// way back. Nothing: it may be made.
std::optional<protocol::Problem> refuse_losses(const InForce& now, const route::Snapshot& made,
                                               const state::State& next,
                                               const health::HealthRegistry& health_registry);

// The way back from `made` would be refused without it: to a pool that cannot serve now, or could not before.
bool needs_force(const InForce& now, const route::Snapshot& made,
                 const std::vector<state::ServiceDiff>& moved, const health::HealthRegistry& health_registry);

// Why no backend of this pool may be taken away: it is kept as the way back.
std::optional<protocol::Problem> refuse_kept_back(const state::State& now, const protocol::Target& target);

// The long connections of `target` that are open now cannot leave within `timeout` at the pace that is asked.
std::optional<protocol::Problem> refuse_slow_pace(const InForce& now, const protocol::Target& target,
                                                  const protocol::Websockets& websockets,
                                                  std::chrono::milliseconds timeout);

// What is not the configuration's may have the daemon run a command, or read a file, only for an admin; and
// the files must be there. `own` has nothing but what is the caller's own.
std::optional<protocol::Problem> refuse_own_commands(const Actor& actor, const config::PlanSpec& own);

}  // namespace sluice::change
