#include "control/admin/scrape_rollouts.hpp"

#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace sluice::admin {
using protocol::GateStatus;

namespace {

constexpr std::string_view kStates[] = {"verifying", "running",     "paused", "watching",
                                        "done",      "rolled_back", "aborted"};
constexpr std::string_view kVerdicts[] = {"pass", "fail", "insufficient"};

using Rollouts = std::vector<std::pair<std::string, change::RolloutView>>;

// One value of a gate by service and gate, of those that have it.
template <class Value>
void gate_family(Exposition& out, const Rollouts& rollouts, std::string_view name, std::string_view help,
                 Value value) {
  auto& family = out.family(name, "gauge", help);
  for (const auto& [service, rollout] : rollouts)
    for (const auto& gate : rollout.gates)
      if (const auto number = value(gate))
        family.add(*number, out.keep({{"service", service}, {"gate", gate.gate}}));
}

}  // namespace

void rollout_metrics(Exposition& out, const change::StatusWriter& views, const route::Snapshot& snapshot) {
  const Rollouts rollouts = views.rollouts();
  auto& states = out.family("sluice_rollout_state", "gauge",
                            "1 for the state that the last rollout of a service is in.");
  auto& active = out.family("sluice_rollout_active", "gauge", "1 while a rollout of the service is active.");
  auto& step = out.family("sluice_rollout_step", "gauge",
                          "The step of an active rollout, from 1; 0 before the first.");
  for (const auto& [service, rollout] : rollouts) {
    const LabelsId labels = out.keep({{"service", service}});
    for (const auto state : kStates)
      states.add(rollout.state == state, out.keep({{"service", service}, {"state", state}}));
    active.add(rollout.active, labels);
    if (rollout.active) step.add(rollout.step.value_or(0), labels);
  }
  auto& ready =
      out.family("sluice_rollback_ready", "gauge",
                 "1 when the pool that a service would go back to could take all its requests now; of those "
                 "that have a way back.");
  for (const auto& [service, status] : views.way_backs())
    ready.add(status.ready, out.keep({{"service", service}, {"pool", status.pool}}));
  std::unordered_set<std::string_view> have_one;
  for (const auto& [service, rollout] : rollouts) have_one.insert(service);
  for (const auto& service : snapshot.services)
    if (service.live->told != observe::Told::little && !have_one.contains(service.spec.name))
      active.add(0, out.keep({{"service", service.spec.name}}));
  gate_family(out, rollouts, "sluice_gate_value", "What a gate measures in the present step.",
              [](const GateStatus& gate) { return gate.value; });
  gate_family(out, rollouts, "sluice_gate_lower", "The lower bound of what a gate measures.",
              [](const GateStatus& gate) { return gate.lower; });
  gate_family(out, rollouts, "sluice_gate_upper", "The upper bound of what a gate measures.",
              [](const GateStatus& gate) { return gate.upper; });
  gate_family(out, rollouts, "sluice_gate_threshold", "The limit of a gate.",
              [](const GateStatus& gate) { return gate.limit; });
  auto& verdicts =
      out.family("sluice_gate_verdict", "gauge", "1 for the verdict of a gate in the present step.");
  for (const auto& [service, rollout] : rollouts)
    for (const auto& gate : rollout.gates)
      for (const auto verdict : kVerdicts)
        verdicts.add(gate.verdict == verdict,
                     out.keep({{"service", service}, {"gate", gate.gate}, {"verdict", verdict}}));
}

}  // namespace sluice::admin
