#include "control/state/left_pools.hpp"

#include <algorithm>
#include <vector>

namespace sluice::state {
namespace {

// 0: it never had a share that is remembered.
std::int64_t last_seen(const std::vector<LeftPool>& left, const std::string& pool) {
  const auto found = std::ranges::find(left, pool, &LeftPool::pool);
  return found == left.end() ? 0 : found->since;
}

// An undo brings back the list of then as well: the later word counts.
std::vector<LeftPool> left_by(const ServiceState& before, const ServiceState& now,
                              std::chrono::milliseconds window, std::int64_t time) {
  std::vector<LeftPool> left;
  for (const auto& pool : now.pools) {
    if (pool.share > 0) continue;
    const PoolState* was = before.pool(pool.name);
    const std::int64_t since =
        was && was->share > 0 ? time
                              : std::max(last_seen(before.left, pool.name), last_seen(now.left, pool.name));
    if (since > time - window.count()) left.push_back({pool.name, since});
  }
  return left;
}

}  // namespace

void remember_left(const State& before, State& next, const config::Spec& spec, std::int64_t time) {
  for (const auto& service : spec.services) {
    if (!service.assets) continue;
    const ServiceState* was = before.service(service.name);
    const ServiceState* now = std::as_const(next).service(service.name);
    if (!was || !now) continue;
    auto left = left_by(*was, *now, service.assets->window, time);
    if (left != now->left) next.service(service.name)->left = std::move(left);
  }
}

}  // namespace sluice::state
