// Whom the judge of a service's active rollout compares in its present phase and step. Pure; control thread.
#pragma once

#include <memory>
#include <string>

#include "control/state/state.hpp"
#include "proxy/route/decide.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::change {

// Without counters yet. Null when the pools' own counters are enough: their judge compares all of both pools,
// and no key tells users apart. `service`: its pools, watched_pool and rescue are set; its rollout is active.
//
// control: equal. While verifying: of the stable pool those that the first step will move, and as many of
// those that would be moved last. In a step: the new pool, and as many of those as it has. A step of more
// than half leaves the stable pool fewer: then all of it is the control cohort. So is it in a step of 0 %,
// whose canary are copies.
std::shared_ptr<route::Trial> trial_of(const route::Service& service, const state::ServiceState& state);

// Whom the canary is compared with, for people; empty: the whole stable pool.
std::string control_text(const route::Service& service);
// For `explain`: what a rollout's judge makes of the request; empty when no rollout is active.
std::string judged_as(const route::Service& service, const route::Decision& decision);

}  // namespace sluice::change
