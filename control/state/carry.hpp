// What a service carries over when its pools are not the ones they were: for undo and merge. Pure.
#pragma once

#include <string>
#include <vector>

#include "control/state/state.hpp"

namespace sluice::state {

// The pools that are still there, the latest last, no two alike in a row; with what has 100 % now on top, and
// never empty: the configured stable pool if nothing else is left.
std::vector<std::string> surviving_stables(const std::vector<std::string>& stables,
                                           const ServiceState& service);

// The slots of `old` for the pools of `now`, which need not be the same nor in the same order. Exactly as
// they were if the shares are, else with the fewest moves that give `now` its shares.
route::SlotTable slots_for(const ServiceState& old, const ServiceState& now);

}  // namespace sluice::state
