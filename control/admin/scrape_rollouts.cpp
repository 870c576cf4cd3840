#include "control/admin/scrape_rollouts.hpp"

#include "control/admin/rollout_json.hpp"
#include "proxy/base/values.hpp"

namespace sluice::admin {
namespace {

constexpr std::string_view kStates[] = {"verifying", "running",     "paused", "watching",
                                        "done",      "rolled_back", "aborted"};
constexpr rollout::Verdict kVerdicts[] = {rollout::Verdict::pass, rollout::Verdict::fail,
                                          rollout::Verdict::insufficient};

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
    for (const auto& judgement : rollout.judgements)
      if (const auto number = value(judgement))
        out.sample(*number, {{"service", service}, {"gate", judgement.gate}});
  });
}

}  // namespace

void rollout_metrics(Exposition& out, const change::StatusView& view) {
  out.family("sluice_rollout_state", "gauge", "1 for the state that the last rollout of a service is in.");
  each_rollout(view, [&](const std::string& service, const change::RolloutView& rollout) {
    for (const auto state : kStates)
      out.sample(state_of(rollout.kept) == state, {{"service", service}, {"state", state}});
  });
  out.family("sluice_rollout_active", "gauge", "1 while a rollout of the service is active.");
  for (const auto& service : view.services)
    out.sample(service.rollout && service.rollout->kept.active(), {{"service", service.name}});
  out.family("sluice_rollout_step", "gauge", "The step of an active rollout, from 1; 0 before the first.");
  each_rollout(view, [&](const std::string& service, const change::RolloutView& rollout) {
    const bool running = rollout.kept.phase == state::RolloutPhase::running;
    if (rollout.kept.active()) out.sample(running ? rollout.kept.step + 1 : 0, {{"service", service}});
  });
  gate_family(out, view, "sluice_gate_value", "What a gate measures in the present step.",
              [](const rollout::Judgement& judgement) { return judgement.value; });
  gate_family(out, view, "sluice_gate_lower", "The lower bound of what a gate measures.",
              [](const rollout::Judgement& judgement) { return judgement.lower; });
  gate_family(out, view, "sluice_gate_upper", "The upper bound of what a gate measures.",
              [](const rollout::Judgement& judgement) { return judgement.upper; });
  gate_family(out, view, "sluice_gate_threshold", "The limit of a gate.",
              [](const rollout::Judgement& judgement) { return judgement.limit; });
  out.family("sluice_gate_verdict", "gauge", "1 for the verdict of a gate in the present step.");
  each_rollout(view, [&](const std::string& service, const change::RolloutView& rollout) {
    for (const auto& judgement : rollout.judgements)
      for (const auto verdict : kVerdicts)
        out.sample(judgement.verdict == verdict,
                   {{"service", service}, {"gate", judgement.gate}, {"verdict", rollout::name_of(verdict)}});
  });
}

}  // namespace sluice::admin
