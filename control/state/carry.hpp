// What a service carries over when its pools are not the ones they were: for undo and merge. Pure.
#pragma once

#include <string>
#include <vector>

#include "control/state/state.hpp"

namespace sluice::state {

// Of `stable_history` the pools that are still there, the latest last, no two alike in a row. A pool that has
// 100 % now is the last of them. Never empty: the configured stable pool stays when no other does.
std::vector<std::string> surviving_stable_history(const std::vector<std::string>& stable_history,
                                                  const ServiceState& service);

// The slots of `old` for the pools of `now`, which need not be the same nor in the same order. Exactly as
// they were if the shares are, else with the fewest moves that give `now` its shares.
route::SlotTable slots_for(const ServiceState& old, const ServiceState& now);

}  // namespace sluice::state
