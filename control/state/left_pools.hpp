// Which pools of a service have lost their share, and when: for so long as `assets: {window: ...}` says they
// are asked for files that their pages name. Pure.
#pragma once

#include <cstdint>

#include "control/state/state.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::state {

// Writes into `next`, which comes after `before`, what has lost its share between the two, and forgets what
// is older than the window of its service. `time` in Unix milliseconds. Services without `assets` are not
// touched.
void remember_left(const State& before, State& next, const config::Spec& spec, std::int64_t time);

}  // namespace sluice::state
