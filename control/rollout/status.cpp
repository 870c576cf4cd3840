#include "control/rollout/status.hpp"

#include <cmath>

namespace sluice::rollout {

using state::Rollout;
using state::RolloutPhase;

namespace {

std::string state_of(const Rollout& rollout) {
  if (rollout.phase != RolloutPhase::running) return std::string(to_string(rollout.phase));
  if (rollout.paused) return "paused";
  return rollout.last_step() && rollout.current().share == kWhole ? "watching" : "running";
}

std::optional<std::string> time_of(std::int64_t unix_milliseconds) {
  return unix_milliseconds > 0 ? std::optional(time_text(unix_milliseconds)) : std::nullopt;
}

std::optional<Share> mirror_of(const config::StepSpec& step) {
  return step.mirror > 0 ? std::optional(step.mirror) : std::nullopt;
}

std::optional<double> finite(const std::optional<double>& number) {
  return number && std::isfinite(*number) ? number : std::nullopt;
}

}  // namespace

protocol::RolloutStatus status_of(const std::string& service, const Rollout& rollout) {
  protocol::RolloutStatus status;
  status.name = service;
  status.state = state_of(rollout);
  status.active = rollout.active();
  status.from = rollout.from;
  status.to = rollout.to;
  status.plan = rollout.plan.name;
  status.steps = rollout.plan.steps.size();
  if (rollout.phase == RolloutPhase::running) {
    status.step = rollout.step + 1;
    status.share = rollout.current().share;
    status.mirror = mirror_of(rollout.current());
    status.hold = rollout.current().hold;
    status.in_step = protocol::milliseconds(0);
  }
  status.why = rollout.why;
  status.min_requests = rollout.plan.min_requests;
  status.group = rollout.group;
  for (const auto& step : rollout.plan.steps)
    status.plan_steps.push_back({step.share, step.hold, step.approve, mirror_of(step)});
  status.generation = rollout.id;
  status.started = time_text(rollout.started);
  status.started_by = rollout.started_by;
  status.ended = time_of(rollout.ended);
  status.retained_until = time_of(rollout.retained_until);
  for (const auto& line : rollout.lines) status.log.push_back({time_text(line.time), line.text});
  return status;
}

protocol::GateStatus status_of(const Judgement& judgement) {
  return {judgement.gate,
          std::string(name_of(judgement.verdict)),
          judgement.warn,
          judgement.n_canary,
          judgement.n_stable,
          finite(judgement.canary),
          finite(judgement.stable),
          finite(judgement.value),
          finite(judgement.lower),
          finite(judgement.upper),
          finite(judgement.limit),
          finite(judgement.warn_limit),
          judgement.unit,
          judgement.why,
          finite(judgement.design_effect),
          finite(judgement.design_effect_stable)};
}

std::vector<protocol::GateStatus> status_of(const std::vector<Judgement>& judgements) {
  std::vector<protocol::GateStatus> gates;
  for (const auto& judgement : judgements) gates.push_back(status_of(judgement));
  return gates;
}

}  // namespace sluice::rollout
