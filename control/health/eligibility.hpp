// C5 and H1 as texts for the operator: which pools could not serve, and why. Control thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/health/health_registry.hpp"
#include "control/protocol/problem.hpp"
#include "control/state/diff.hpp"
#include "control/state/state.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::health {

// C5: a refusal when a pool that `moved` gives more than it had has no eligible backend in `next`. That a
// pool which loses share is broken is no reason to refuse: leaving it is the cure.
std::optional<protocol::Problem> refuse_unservable(const route::Snapshot& next,
                                                   const std::vector<state::ServiceDiff>& moved,
                                                   const HealthRegistry& registry);

// The same for these pools (of services), whatever share they get.
std::optional<protocol::Problem> refuse_unservable(
    const route::Snapshot& next, const std::vector<std::pair<std::string, std::string>>& pools,
    const HealthRegistry& registry);

// A pool that has a share in `next`, could serve in `now` and no longer can; or whose last weight was taken
// away, which would not keep requests from it.
struct LostPool {
  std::string service, pool;
  Share share = 0;
  bool only_weights = false;
  std::string text() const;
};
std::vector<LostPool> lost_pools(const route::Snapshot& now, const route::Snapshot& next);
// How the requests of such a pool go elsewhere first; a command in it works as it is printed.
std::string way_out(const LostPool& lost, const route::Service& service, const state::State& state);
// The refusal of a change to `next` by which it is lost: why, and the way out.
protocol::Problem refuse_loss(const LostPool& lost, const route::Snapshot& next, const state::State& state,
                              const HealthRegistry& registry);

std::string_view to_string(observe::Health health);

// "127.0.0.1:9101 is down (connect: Connection refused)"
std::string why_not(const route::Backend& backend, const HealthRegistry& registry);

}  // namespace sluice::health
