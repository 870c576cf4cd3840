#include "control/change/asset_pools.hpp"

#include <algorithm>
#include <string>

namespace sluice::change {
namespace {

// Until when it may be asked although it has no share (Unix milliseconds); 0: not at all.
std::int64_t asked_until(const config::AssetSpec& assets, const state::ServiceState& state,
                         const std::string& pool) {
  std::int64_t until = 0;
  for (const auto& left : state.left)
    if (left.pool == pool) until = left.since + assets.window.count();
  if (state.retained && state.retained->holds(pool)) until = std::max(until, state.retained->until);
  return until;
}

bool in_rollout(const state::ServiceState& state, const std::string& pool) {
  return state.rollout && state.rollout->active() &&
         (state.rollout->from == pool || state.rollout->to == pool);
}

}  // namespace

std::vector<route::AssetPool> asset_pools(const config::AssetSpec& assets, const state::ServiceState& state) {
  std::vector<route::AssetPool> now, before;
  for (std::size_t i = 0; i < state.pools.size(); ++i) {
    const auto& pool = state.pools[i];
    if (pool.share > 0 || in_rollout(state, pool.name))
      now.push_back({i, 0});
    else if (const auto until = asked_until(assets, state, pool.name); until > 0)
      before.push_back({i, until});
  }
  std::ranges::stable_sort(now, std::greater<>(),
                           [&state](const route::AssetPool& one) { return state.pools[one.pool].share; });
  std::ranges::stable_sort(before, std::greater<>(), &route::AssetPool::until);
  now.insert(now.end(), before.begin(), before.end());
  return now;
}

}  // namespace sluice::change
