#include "control/change/trial_of.hpp"

#include <algorithm>
#include <numeric>

#include "control/state/pending.hpp"

namespace sluice::change {
namespace {

using route::Cohort;
using route::PoolIndex;
using state::Rollout;

// Where the points of a pool begin.
std::uint32_t begin_of(const std::vector<route::Pool>& pools, std::size_t pool) {
  return std::accumulate(pools.begin(), pools.begin() + static_cast<std::ptrdiff_t>(pool), 0u,
                         [](std::uint32_t sum, const route::Pool& one) { return sum + one.share; });
}

// Of the stable pool, which the service has at `at`: those that would be moved last.
std::shared_ptr<const Cohort> last_of(const route::Service& service, const state::ServiceState& state,
                                      Share share) {
  const std::size_t at = service.rescue;
  return std::make_shared<Cohort>(
      Cohort{lowest(state.slots, static_cast<PoolIndex>(at), share),
             route::last_points(begin_of(service.pools, at), service.pools[at].share, share)});
}

// Those that are moved to the new pool when it gets `share`.
std::shared_ptr<const Cohort> first_of(const route::Service& service, const state::ServiceState& state,
                                       Share share) {
  const std::size_t at = service.rescue;
  const Rollout& rollout = *state.rollout;
  const auto then = state::shares_with(state, rollout.before, rollout.from, rollout.to, share);
  return std::make_shared<Cohort>(
      Cohort{given_away(state.slots, static_cast<PoolIndex>(at), then),
             route::first_points(begin_of(service.pools, at), service.pools[at].share, share)});
}

// Of the first step that has one.
Share first_share(const Rollout& rollout) {
  for (const auto& step : rollout.plan.steps)
    if (step.share > 0) return step.share;
  return 0;
}

// Two cohorts that have nobody in common.
void compare_stable_with_itself(route::Trial& trial, const route::Service& service,
                                const state::ServiceState& state) {
  const Share most = service.pools[service.rescue].share / 2;
  trial.canary_pool = service.rescue;
  trial.canary = first_of(service, state, std::min(first_share(*state.rollout), most));
  trial.share = trial.canary->slots.size();  // other pools may give some, too
  trial.control = last_of(service, state, trial.share);
}

}  // namespace

std::shared_ptr<route::Trial> trial_of(const route::Service& service, const state::ServiceState& state) {
  const Rollout& rollout = *state.rollout;
  const bool equal = rollout.plan.equal_control;
  if (!equal && !service.slots) return nullptr;
  auto trial = std::make_shared<route::Trial>();
  trial->canary_pool = service.watched_pool;
  trial->control_pool = service.rescue;
  trial->by_users = service.slots != nullptr;
  if (!equal) return trial;
  if (rollout.phase == state::RolloutPhase::verifying) {
    if (rollout.plan.aa_time().count() > 0) compare_stable_with_itself(*trial, service, state);
    return trial;
  }
  const Share canary = service.pools[service.watched_pool].share;
  if (canary == 0 || canary >= service.pools[service.rescue].share) return trial;
  trial->share = canary;
  trial->control = last_of(service, state, canary);
  return trial;
}

std::string control_text(const route::Service& service) {
  const route::Trial* trial = service.trial.get();
  if (!trial || !trial->control) return {};
  const std::string part = format_share(trial->share) + " of the users";
  const std::string& stable = service.pools[trial->control_pool].name;
  if (trial->canary) return "A/A: two cohorts of pool " + stable + ", each with " + part;
  return "a cohort of pool " + stable + " with " + part + ", as many as the canary has";
}

std::string judged_as(const route::Service& service, const route::Decision& decision) {
  if (!service.breaker) return {};
  const std::string judge = "the judge of the rollout to pool " + service.pools[service.watched_pool].name;
  if (route::is_override(decision.by)) return judge + " does not count it: it is a preview";
  const route::Trial* trial = service.trial.get();
  const bool by_key = decision.by == route::DecisionSource::key;
  const auto arm = trial ? trial->arm_of(decision.pool, decision.place, by_key)
                   : decision.pool == service.watched_pool ? route::Trial::Arm::canary
                   : decision.pool == service.rescue       ? route::Trial::Arm::control
                                                           : route::Trial::Arm::none;
  const bool cohorts = trial && trial->control;
  switch (arm) {
    case route::Trial::Arm::canary:
      return judge + (trial && trial->canary
                          ? " counts it in the first of two cohorts of the stable pool (A/A)"
                          : " counts it as the canary's");
    case route::Trial::Arm::control:
      return judge + (cohorts ? " counts it in the control cohort" : " counts it as the stable pool's");
    case route::Trial::Arm::none:
      return judge + (cohorts ? " does not count it: the user is in no cohort" : " does not count it");
  }
  return {};
}

}  // namespace sluice::change
