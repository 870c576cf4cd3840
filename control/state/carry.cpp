#include "control/state/carry.hpp"

#include <numeric>

namespace sluice::state {
namespace {

bool same_pools(const ServiceState& a, const ServiceState& b) {
  if (a.pools.size() != b.pools.size()) return false;
  for (std::size_t i = 0; i < a.pools.size(); ++i)
    if (a.pools[i].name != b.pools[i].name) return false;
  return true;
}

route::SlotTable from_scratch(const ServiceState& service) {
  const auto first = static_cast<route::PoolIndex>(service.index_of(service.configured_stable));
  route::SlotTable slots(service.pools.size(), first);
  slots.apply(service.shares());
  return slots;
}

// Old pools keep their index, new ones come behind; those that are gone own nothing at the end.
route::SlotTable through_both(const ServiceState& old, const ServiceState& now, std::size_t both) {
  std::vector<int> same(old.pools.size()), last(both, -1);
  std::iota(same.begin(), same.end(), 0);
  std::vector<Share> shares(both, 0);
  std::size_t added = old.pools.size();
  for (std::size_t i = 0; i < now.pools.size(); ++i) {
    const std::size_t was = old.index_of(now.pools[i].name);
    const std::size_t index = was < old.pools.size() ? was : added++;
    shares[index] = now.pools[i].share;
    last[index] = static_cast<int>(i);
  }
  route::SlotTable slots = old.slots;
  slots.remap(same, both);
  slots.apply(shares);
  slots.remap(last, now.pools.size());
  return slots;
}

}  // namespace

std::vector<std::string> surviving_stable_history(const std::vector<std::string>& stable_history,
                                                  const ServiceState& service) {
  ServiceState trial;
  trial.stable_history.clear();
  for (const auto& pool : stable_history)
    if (service.pool(pool)) trial.remember_stable(pool);
  if (trial.stable_history.empty()) trial.stable_history.push_back(service.configured_stable);
  for (const auto& pool : service.pools)
    if (pool.share == kWhole) trial.remember_stable(pool.name);
  return trial.stable_history;
}

route::SlotTable slots_for(const ServiceState& old, const ServiceState& now) {
  if (same_pools(old, now)) {
    route::SlotTable slots = old.slots;
    if (old.shares() != now.shares()) slots.apply(now.shares());
    return slots;
  }
  std::size_t both = old.pools.size();
  for (const auto& pool : now.pools) both += old.pool(pool.name) ? 0 : 1;
  return both <= kMostPools ? through_both(old, now, both) : from_scratch(now);
}

}  // namespace sluice::state
