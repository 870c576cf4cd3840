// What one process saw of a rollout's step, as it goes to the process that takes its place (sluicectl
// upgrade): a step's evidence is in no file (G7). Pure.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "control/rollout/judge.hpp"
#include "control/state/rollout.hpp"
#include "proxy/observe/breaker.hpp"

namespace sluice::rollout {

struct KnownStep {
  // Which one.
  std::string service;
  std::uint64_t rollout = 0;
  state::RolloutPhase phase = state::RolloutPhase::running;
  std::uint32_t step = 0;
  std::int64_t step_began = 0;  // as state::Rollout's

  std::chrono::steady_clock::time_point began;  // of what was seen; both processes read this clock
  Judge::Seen seen;
};
bool is_of(const KnownStep& known, const state::Rollout& rollout);

// Nothing when it cannot be read, or is no evidence: more errors than attempts, windows that are longer than
// the step.
boost::json::object to_json(const KnownStep& known);
std::optional<KnownStep> known_step_from(const boost::json::value& value);
boost::json::object to_json(const observe::Breaker::State& breaker);
std::optional<observe::Breaker::State> breaker_from(const boost::json::value& value);

}  // namespace sluice::rollout
