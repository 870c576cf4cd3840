#include "control/rollout/plan.hpp"

#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"
#include "proxy/config/load.hpp"
#include "proxy/config/syntax.hpp"
#include "proxy/config/validate.hpp"

namespace sluice::rollout {
namespace {

using config::GateSpec;
using config::PlanSpec;
using config::StepSpec;
using protocol::Problem;
using std::chrono::milliseconds;

PlanResult named(const std::string& name, const std::vector<PlanSpec>& configured) {
  std::vector<std::string> names;
  for (const auto& plan : configured) {
    if (plan.name == name) return plan;
    names.push_back(plan.name);
  }
  return protocol::not_found(
      "the configuration has no plan " + sluice::quoted(name),
      names.empty() ? "give it --steps, or --file with a plan in it" : protocol::did_you_mean(name, names));
}

PlanResult checked(PlanSpec plan, const std::string& file) {
  const auto complaints = config::validate(plan, file);
  if (complaints.empty()) return plan;
  return protocol::malformed(complaints.front().what, "steps");
}

PlanResult from_text(const std::string& text, const std::string& file) {
  const auto loaded = config::load_plan(text, file.empty() ? "the plan" : file, "");
  if (loaded.plan) return *loaded.plan;
  std::string lines;
  for (const auto& complaint : loaded.complaints) lines += (lines.empty() ? "" : "\n") + complaint.text();
  return protocol::invalid_config(lines);
}

// "5%" or "5%:10m".
std::optional<Problem> add_step(PlanSpec& plan, const std::string& text, milliseconds hold, bool approve) {
  const auto colon = text.find(':');
  const auto share = parse_share(text.substr(0, colon));
  if (!share)
    return protocol::malformed("step " + sluice::quoted(text) + ": " + share.error().text(), "steps");
  if (*share == 0) return protocol::malformed("a step's share must be more than 0 %", "steps");
  StepSpec step{*share, hold, approve, {}};
  if (colon != std::string::npos) {
    const auto own = parse_duration(text.substr(colon + 1));
    if (!own) return protocol::malformed("step " + sluice::quoted(text) + ": " + own.error().text(), "steps");
    step.hold = *own;
  }
  plan.steps.push_back(step);
  return std::nullopt;
}

std::optional<Problem> add_rate(PlanSpec& plan, const std::string& metric, const std::string& text,
                                bool against_stable, const std::string& field) {
  if (text.empty()) return std::nullopt;
  const auto share = parse_share(text);
  if (!share) return protocol::malformed("'" + field + "': " + share.error().text(), field);
  GateSpec gate;
  gate.metric = metric;
  gate.against_stable = against_stable;
  (against_stable ? gate.max_increase : gate.max) = static_cast<double>(*share) / kWhole;
  plan.gates.push_back(std::move(gate));
  return std::nullopt;
}

void add_quantile(PlanSpec& plan, const std::string& metric, const std::optional<milliseconds>& limit,
                  bool against_stable = false) {
  if (!limit) return;
  GateSpec gate;
  gate.metric = metric;
  gate.against_stable = against_stable;
  (against_stable ? gate.max_increase : gate.max) = std::chrono::duration<double>(*limit).count();
  plan.gates.push_back(std::move(gate));
}

std::optional<Problem> add_hooks(PlanSpec& plan, const protocol::Limits& limits) {
  for (const auto& command : limits.exec) {
    plan.gates.emplace_back().exec = command;
  }
  for (const auto& url : limits.http) {
    if (const auto wrong = config::url_error(url)) return protocol::malformed(wrong->what, "http");
    plan.gates.emplace_back().http = url;
  }
  return std::nullopt;
}

std::optional<Problem> add_gates(PlanSpec& plan, const protocol::Limits& limits) {
  if (auto wrong = add_rate(plan, "error_rate", limits.max_error_rate, false, "max_error_rate")) return wrong;
  if (auto wrong = add_rate(plan, "error_rate", limits.max_error_increase, true, "max_error_increase"))
    return wrong;
  if (auto wrong = add_rate(plan, "saturation", limits.max_saturation, false, "max_saturation")) return wrong;
  add_quantile(plan, "p50", limits.max_p50);
  add_quantile(plan, "p90", limits.max_p90);
  add_quantile(plan, "p95", limits.max_p95);
  add_quantile(plan, "p99", limits.max_p99);
  add_quantile(plan, "p95", limits.max_p95_increase, true);
  return add_hooks(plan, limits);
}

std::optional<Problem> add_verify(PlanSpec& plan, const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    if (const auto wrong = config::target_error(path)) return protocol::malformed(wrong->what, "verify");
    plan.verify.emplace_back().path = path;
  }
  return std::nullopt;
}

PlanResult from_flags(const protocol::RolloutStart& message) {
  PlanSpec plan;
  for (const auto& text : message.steps)
    if (auto wrong = add_step(plan, text, message.hold.value_or(milliseconds(0)), message.approve))
      return *wrong;
  if (message.min_requests) plan.min_requests = *message.min_requests;
  if (message.retain) plan.retain = *message.retain;
  if (auto wrong = add_gates(plan, message.limits)) return *wrong;
  if (auto wrong = add_verify(plan, message.verify)) return *wrong;
  return checked(std::move(plan), "the steps");
}

}  // namespace

PlanResult plan_of(const protocol::RolloutStart& message, const std::vector<PlanSpec>& configured) {
  if (!message.plan.empty()) return named(message.plan, configured);
  if (!message.plan_text.empty()) return from_text(message.plan_text, message.plan_file);
  return from_flags(message);
}

PlanResult watch_plan(const protocol::Cutover& message) {
  PlanSpec plan;
  plan.steps.push_back({kWhole, *message.watch_for, false, {}});
  if (message.min_requests) plan.min_requests = *message.min_requests;
  if (message.retain) plan.retain = *message.retain;
  if (auto wrong = add_gates(plan, message.limits)) return *wrong;
  return plan;
}

}  // namespace sluice::rollout
