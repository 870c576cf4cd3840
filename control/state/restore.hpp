// What was changed at run time, made again as it was: the common part of undo and redo (C9). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/state/state.hpp"

namespace sluice::state {

// What stood in the way, as sentences.
struct Obstacles {
  std::vector<std::string> lost;   // it is gone from the configuration, so it cannot come back
  std::vector<std::string> stays;  // the configuration brought it, so it does not go
};

// What differs between `from` and `to` becomes in `now` as it is in `to`; all else of `now` stays. That is
// the share table with the owners of its slots and the stable pools, admin states, weights, backends that
// came and went at run time, pause and stop, flags, the mirror. Drain deadlines before `time` (Unix
// milliseconds) are not set again. Requires: three states of one service.
void restore(ServiceState& now, const ServiceState& from, const ServiceState& to, std::int64_t time,
             Obstacles& obstacles);

// Of every service: `recorded` instead of `now`. Services that came since stay.
void restore(State& now, const State& recorded, std::int64_t time, Obstacles& obstacles);

}  // namespace sluice::state
