// Looking into a snapshot by names, and which backends are eligible. Pure, but for the health of now.
#pragma once

#include <cstddef>
#include <string>

#include "proxy/route/snapshot.hpp"

namespace sluice::route {

// Whether a request could be sent there, by the admin states of the snapshot and the health of now (H1).
bool eligible_in(const Pool& pool, const Backend& backend);
std::size_t eligible_count(const Pool& pool);
std::size_t backend_count(const Snapshot& snapshot);

const Service* find_service(const Snapshot& snapshot, const std::string& name);
const Pool* find_pool(const Service& service, const std::string& name);

// Calls visit(before, after) for each service of `after` that it does not share with `before`; the first is
// null where there was none. Of two snapshots of one configuration nothing else is looked at.
template <class Visit>
void each_change(const Snapshot& before, const Snapshot& after, Visit visit) {
  for (std::size_t i = 0; i < after.services.size(); ++i) {
    if (i < before.services.size() && after.services.same(i, before.services, i)) continue;
    const Service& service = after.services[i];
    const bool in_place = i < before.services.size() && before.services[i].spec.name == service.spec.name;
    visit(in_place ? &before.services[i] : find_service(before, service.spec.name), service);
  }
}

}  // namespace sluice::route
