// Which services two states do not share. A change copies only what it changes, so most are the same object
// in both and are not looked into. Pure.
#pragma once

#include <cstddef>

#include "control/state/state.hpp"

namespace sluice::state {

// Calls visit(was, is) for each service that is not shared, in the order of their names; either is null where
// there is none. They may be equal all the same.
template <class Visit>
void each_difference(const State& before, const State& after, Visit visit) {
  std::size_t b = 0, a = 0;
  while (b < before.services.size() || a < after.services.size()) {
    const ServiceState* was = b < before.services.size() ? &before.services[b] : nullptr;
    const ServiceState* is = a < after.services.size() ? &after.services[a] : nullptr;
    if (was && is && was != is && was->name != is->name) (was->name < is->name ? is : was) = nullptr;
    if (was != is) visit(was, is);
    b += was != nullptr;
    a += is != nullptr;
  }
}

}  // namespace sluice::state
