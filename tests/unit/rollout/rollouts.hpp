// States with a rollout in them, for the tests of its engine and its transitions.
#pragma once

#include "control/rollout/transitions.hpp"
#include "support/specs.hpp"

namespace sluice::rollout {

using namespace std::chrono_literals;
using state::Rollout;
using state::RolloutPhase;
using state::ServiceState;
using state::State;

inline config::PlanSpec plan_of_steps(std::vector<Share> shares, std::chrono::milliseconds hold = 10s) {
  config::PlanSpec plan;
  plan.name = "p";
  for (const Share share : shares) plan.steps.push_back({share, hold, false, 0, {}});
  plan.retain = 1h;
  return plan;
}

inline Start start_of(config::PlanSpec plan, const std::string& to = "green") {
  Start start;
  start.services = {{"api", to}};
  start.plan = std::move(plan);
  start.by = "uid 7";
  return start;
}

// Services with the pools blue and green, all with blue.
inline State blue_green(const std::vector<std::string>& names = {"api"}) {
  State state;
  state.generation = 1;
  for (const auto& name : names) {
    config::ServiceSpec spec;
    spec.name = name;
    spec.pools.resize(2);
    spec.pools[0].name = "blue";
    spec.pools[1].name = "green";
    spec.split = {{"blue", kWhole}, {"green", 0}};
    spec.stable = "blue";
    state.put(state::from_spec(spec));
  }
  return state;
}

inline State started(config::PlanSpec plan) {
  return start(blue_green(), start_of(std::move(plan)), 1'000)->next;
}
inline const Rollout& of(const State& state, const std::string& service = "api") {
  return *state.service(service)->rollout;
}
inline Share green(const State& state, const std::string& service = "api") {
  return state.service(service)->pool("green")->share;
}

}  // namespace sluice::rollout
