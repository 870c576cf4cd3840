// Looking into a snapshot by names, and which backends are eligible. Pure, but for the health of now.
#pragma once

#include <cstddef>
#include <string>

#include "proxy/route/snapshot.hpp"

namespace sluice::route {

// Whether a request could be sent there, by the admin states of the snapshot and the health of now (H1).
bool eligible_in(const Pool& pool, const Backend& backend);
std::size_t eligible_count(const Pool& pool);

const Service* find_service(const Snapshot& snapshot, const std::string& name);
const Pool* find_pool(const Service& service, const std::string& name);

}  // namespace sluice::route
