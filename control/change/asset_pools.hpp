// Which pools of a service may have a file that the chosen one does not have. Pure.
#pragma once

#include <vector>

#include "control/state/state.hpp"
#include "proxy/config/spec.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::change {

// Those with a share, the largest first; those of the active rollout; those that had a share, the latest
// first, and until when they are asked.
std::vector<route::AssetPool> asset_pools(const config::AssetSpec& assets, const state::ServiceState& state);

}  // namespace sluice::change
