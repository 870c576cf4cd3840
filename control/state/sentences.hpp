// What differs between two states as lines for people, one a thing: "backend api/blue/web-3 is back". Pure.
#pragma once

#include <string>
#include <vector>

#include "control/state/state.hpp"

namespace sluice::state {

// For the services of both.
std::vector<std::string> sentences_between(const State& before, const State& after);

}  // namespace sluice::state
