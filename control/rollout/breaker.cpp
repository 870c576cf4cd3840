#include "control/rollout/breaker.hpp"

#include <algorithm>

#include "control/rollout/fast_fail.hpp"
#include "control/rollout/window.hpp"

namespace sluice::rollout {
namespace {

// The most that a gate on the error rate allows; 0 when there is none.
double error_limit(const config::PlanSpec& plan) {
  double limit = 0;
  for (const auto& gate : plan.gates)
    if (gate.metric == "error_rate" && gate.max) limit = std::max(limit, *gate.max);
  return limit;
}

}  // namespace

std::unique_ptr<observe::Breaker> breaker_for(const config::PlanSpec& plan, Tally stable, bool by_users) {
  const FastFail test = FastFail::tolerating(tolerated_rate(stable, error_limit(plan)));
  return std::make_unique<observe::Breaker>(test.up, test.down, test.trip, by_users);
}

std::shared_ptr<observe::Breaker> breaker_for(const config::PlanSpec& plan, const observe::PoolLive& stable,
                                              bool by_users) {
  const Reading counted = read(stable);
  return breaker_for(plan, Tally{counted.attempts, counted.errors}, by_users);
}

}  // namespace sluice::rollout
