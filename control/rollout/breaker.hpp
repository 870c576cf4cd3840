// The breaker that the workers keep for a rollout (G6): FastFail's numbers for its gates and for what the
// stable pool fails itself. Any thread.
#pragma once

#include <memory>

#include "control/rollout/evidence.hpp"
#include "proxy/config/spec.hpp"
#include "proxy/observe/breaker.hpp"
#include "proxy/observe/live.hpp"

namespace sluice::rollout {

// `stable`: the pool that it came from, with all that it counted so far. `by_users`: the service has keys.
std::shared_ptr<observe::Breaker> breaker_for(const config::PlanSpec& plan, const observe::PoolLive& stable,
                                              bool by_users = false);
std::unique_ptr<observe::Breaker> breaker_for(const config::PlanSpec& plan, Tally stable, bool by_users = false);

}  // namespace sluice::rollout
