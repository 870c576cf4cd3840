#include "proxy/route/query.hpp"

#include <algorithm>

namespace sluice::route {

bool eligible_in(const Pool& pool, const Backend& backend) {
  if (backend.admin != observe::Admin::ready || backend.endpoints.empty()) return false;
  const observe::Health health = backend.live->health.load();
  if (health != observe::Health::unknown) return health == observe::Health::up;
  return std::none_of(pool.backends.begin(), pool.backends.end(), [](const Backend& other) {
    return other.admin == observe::Admin::ready && !other.endpoints.empty() &&
           other.live->health.load() == observe::Health::up;
  });
}

std::size_t eligible_count(const Pool& pool) {
  return static_cast<std::size_t>(
      std::count_if(pool.backends.begin(), pool.backends.end(),
                    [&pool](const Backend& backend) { return eligible_in(pool, backend); }));
}

std::size_t backend_count(const Snapshot& snapshot) {
  std::size_t count = 0;
  for (const auto& service : snapshot.services)
    for (const auto& pool : service.pools) count += pool.backends.size();
  return count;
}

const Service* find_service(const Snapshot& snapshot, const std::string& name) {
  if (snapshot.places) {
    const auto found = snapshot.places->find(name);
    return found == snapshot.places->end() ? nullptr : &snapshot.services[found->second];
  }
  for (const auto& service : snapshot.services)
    if (service.spec.name == name) return &service;
  return nullptr;
}

const Pool* find_pool(const Service& service, const std::string& name) {
  for (const auto& pool : service.pools)
    if (pool.name == name) return &pool;
  return nullptr;
}

}  // namespace sluice::route
