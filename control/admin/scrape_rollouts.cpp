#include "control/admin/scrape_rollouts.hpp"

namespace sluice::admin {
using protocol::GateStatus;

namespace {

constexpr std::string_view kStates[] = {"verifying", "running",     "paused", "watching",
                                        "done",      "rolled_back", "aborted"};
constexpr std::string_view kVerdicts[] = {"pass", "fail", "insufficient"};

template <class Each>
void each_rollout(const change::StatusView& view, Each each) {
  for (const auto& service : view.services)
    if (service.rollout) each(service.name, *service.rollout);
}

// One value of a gate by service and gate, of those that have it.
template <class Value>
void gate_family(Exposition& out, const change::StatusView& view, std::string_view name,
                 std::string_view help, Value value) {
  out.family(name, "gauge", help);
  each_rollout(view, [&](const std::string& service, const change::RolloutView& rollout) {
    for (const auto& gate : rollout.gates)
      if (const auto number = value(gate)) out.sample(*number, {{"service", service}, {"gate", gate.gate}});
  });
}

}  // namespace

void rollout_metrics(Exposition& out, const change::StatusView& view) {
  out.family("sluice_rollout_state", "gauge", "1 for the state that the last rollout of a service is in.");
  each_rollout(view, [&](const std::string& service, const change::RolloutView& rollout) {
    for (const auto state : kStates)
      out.sample(rollout.state == state, {{"service", service}, {"state", state}});
  });
  out.family("sluice_rollout_active", "gauge", "1 while a rollout of the service is active.");
  for (const auto& service : view.services)
    out.sample(service.rollout && service.rollout->active, {{"service", service.name}});
  out.family("sluice_rollout_step", "gauge", "The step of an active rollout, from 1; 0 before the first.");
  each_rollout(view, [&](const std::string& service, const change::RolloutView& rollout) {
    if (rollout.active) out.sample(static_cast<double>(rollout.step.value_or(0)), {{"service", service}});
  });
  gate_family(out, view, "sluice_gate_value", "What a gate measures in the present step.",
              [](const GateStatus& gate) { return gate.value; });
  gate_family(out, view, "sluice_gate_lower", "The lower bound of what a gate measures.",
              [](const GateStatus& gate) { return gate.lower; });
  gate_family(out, view, "sluice_gate_upper", "The upper bound of what a gate measures.",
              [](const GateStatus& gate) { return gate.upper; });
  gate_family(out, view, "sluice_gate_threshold", "The limit of a gate.",
              [](const GateStatus& gate) { return gate.limit; });
  out.family("sluice_gate_verdict", "gauge", "1 for the verdict of a gate in the present step.");
  each_rollout(view, [&](const std::string& service, const change::RolloutView& rollout) {
    for (const auto& gate : rollout.gates)
      for (const auto verdict : kVerdicts)
        out.sample(gate.verdict == verdict,
                   {{"service", service}, {"gate", gate.gate}, {"verdict", verdict}});
  });
}

}  // namespace sluice::admin
