// T2: what was changed at run time and what the configuration says now, brought together on start and on
// reload. Pure.
#pragma once

#include <string>
#include <vector>

#include "control/state/state.hpp"

namespace sluice::state {

// What every run-time value remembers is the configured value that it replaced. If the configuration still
// says the same, the run-time value stays; if it says something else, the configuration wins and a conflict
// names it.
struct Merged {
  State state;                         // one generation higher if `changed`
  bool changed = false;                // anything at all differs from the run-time state: journal it
  std::vector<std::string> conflicts;  // sentences: a run-time value that the configuration overruled
  std::vector<std::string> changes;    // sentences: what came, what went, what the configuration changed
};

// Requires: a validated spec.
Merged merge(const State& runtime, const config::Spec& spec);

}  // namespace sluice::state
