// What follows from what was written: the split in the order of the pools, the stable pool, the salt.
#pragma once

#include "proxy/config/spec.hpp"

namespace sluice::config {

// Requires: validate(spec) has no complaints. Does nothing to a spec that is complete.
void complete(Spec& spec);

}  // namespace sluice::config
