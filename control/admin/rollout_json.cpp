#include "control/admin/rollout_json.hpp"

#include <boost/json/array.hpp>
#include <chrono>

#include "proxy/base/values.hpp"

namespace sluice::admin {

namespace json = boost::json;

namespace {

using state::Rollout;
using state::RolloutPhase;

json::value time_or_null(std::int64_t unix_milliseconds) {
  return unix_milliseconds > 0 ? json::value(time_text(unix_milliseconds)) : json::value(nullptr);
}

json::array steps_json(const Rollout& rollout) {
  json::array steps;
  for (const auto& step : rollout.plan.steps) {
    json::object one{{"share", format_share(step.share)}, {"hold", format_duration(step.hold)}};
    if (step.approve) one["approve"] = true;
    if (step.mirror > 0) one["mirror"] = format_share(step.mirror);
    steps.push_back(std::move(one));
  }
  return steps;
}

json::array log_json(const Rollout& rollout) {
  json::array log;
  for (const auto& line : rollout.lines) log.push_back({{"time", time_text(line.time)}, {"text", line.text}});
  return log;
}

// Of the step that it is in.
void add_step(json::object& out, const change::RolloutView& view) {
  const Rollout& rollout = view.kept;
  out["step"] = rollout.step + 1;
  out["share"] = static_cast<double>(rollout.current().share) / kWhole;
  if (rollout.current().mirror > 0) out["mirror"] = static_cast<double>(rollout.current().mirror) / kWhole;
  out["hold"] = format_duration(rollout.current().hold);
  out["in_step_ms"] = view.in_step.count();
}

}  // namespace

std::string state_of(const Rollout& rollout) {
  if (rollout.phase != RolloutPhase::running) return std::string(to_string(rollout.phase));
  if (rollout.paused) return "paused";
  return rollout.last_step() && rollout.current().share == kWhole ? "watching" : "running";
}

json::object to_json(const change::RolloutView& view) {
  const Rollout& rollout = view.kept;
  json::object out{{"state", state_of(rollout)},
                   {"active", rollout.active()},
                   {"from", rollout.from},
                   {"to", rollout.to},
                   {"plan", rollout.plan.name},
                   {"step", nullptr},
                   {"steps", rollout.plan.steps.size()}};
  if (rollout.phase == RolloutPhase::running) add_step(out, view);
  json::array gates;
  for (const auto& judgement : view.judgements) gates.push_back(rollout::to_json(judgement));
  out["waits_for"] = view.waits_for;
  out["why"] = rollout.why;
  out["requests"] = {{"canary", view.n_canary}, {"stable", view.n_stable}};
  out["min_requests"] = rollout.plan.min_requests;
  out["gates"] = std::move(gates);
  if (!view.others.empty()) {
    json::object others;
    for (const auto& other : view.others) others[other.service] = to_json(other);
    out["others"] = std::move(others);
  }
  out["group"] = json::array(rollout.group.begin(), rollout.group.end());
  out["plan_steps"] = steps_json(rollout);
  out["generation"] = rollout.id;
  out["started"] = time_text(rollout.started);
  out["started_by"] = rollout.started_by;
  out["ended"] = time_or_null(rollout.ended);
  out["retained_until"] = time_or_null(rollout.retained_until);
  out["log"] = log_json(rollout);
  return out;
}

}  // namespace sluice::admin
