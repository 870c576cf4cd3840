#include "control/rollout/judge.hpp"

#include <algorithm>
#include <boost/json/value.hpp>
#include <cmath>
#include <utility>

#include "control/rollout/figures.hpp"
#include "control/rollout/judge_counts.hpp"

namespace sluice::rollout {
namespace {

constexpr double kRolloutRisk = 0.01 - 0.001;  // G5 less what FastFail may spend

boost::json::value json_of(const std::optional<double>& number) {
  if (!number || !std::isfinite(*number)) return nullptr;
  return *number;
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "pass";
    case Verdict::fail:
      return "fail";
    case Verdict::insufficient:
      break;
  }
  return "insufficient";
}

boost::json::object to_json(const Judgement& judgement) {
  return {{"gate", judgement.gate},
          {"verdict", name_of(judgement.verdict)},
          {"warn", judgement.warn},
          {"n_canary", judgement.n_canary},
          {"n_stable", judgement.n_stable},
          {"canary", json_of(judgement.canary)},
          {"stable", json_of(judgement.stable)},
          {"value", json_of(judgement.value)},
          {"lower", json_of(judgement.lower)},
          {"upper", json_of(judgement.upper)},
          {"limit", json_of(judgement.limit)},
          {"why", judgement.why}};
}

Risk risk_of(std::size_t steps, std::size_t limits) {
  Risk risk;
  risk.fail = kRolloutRisk / static_cast<double>(std::max<std::size_t>(1, steps * limits));
  return risk;
}

bool is_counted(const config::GateSpec& gate) {
  return gate.metric == "error_rate" || quantile_of(gate.metric);
}

std::size_t counted_limits(const std::vector<config::GateSpec>& gates) {
  std::size_t count = 0;
  for (const auto& gate : gates)
    if (is_counted(gate)) count += (gate.max ? 1u : 0u) + (gate.max_increase ? 1u : 0u);
  return count;
}

std::vector<Judgement> judge(const config::GateSpec& gate, const Window& canary, const Window& stable,
                             Risk risk) {
  std::vector<Judgement> judgements;
  const auto quantile = quantile_of(gate.metric);
  if (gate.max)
    judgements.push_back(quantile ? judge_quantile(gate, *quantile, canary, risk)
                                  : judge_rate(gate, canary, risk));
  if (gate.max_increase)
    judgements.push_back(quantile ? judge_quantile_increase(gate, *quantile, canary, stable, risk)
                                  : judge_rate_increase(gate, canary, stable, risk));
  return judgements;
}

Judge::Judge(std::vector<config::GateSpec> gates, std::size_t steps)
    : gates_(std::move(gates)), risk_(risk_of(steps, counted_limits(gates_))) {}

void Judge::begin(Reading canary, Reading stable) {
  canary_began_ = std::move(canary);
  stable_began_ = std::move(stable);
  canary_ = stable_ = Window();
}

std::vector<Judgement> Judge::look(const Reading& canary, const Reading& stable, bool stable_has_share) {
  if (went_back(canary_began_, canary) || went_back(stable_began_, stable)) begin(canary, stable);
  canary_ = between(canary_began_, canary);
  stable_ = between(stable_began_, stable);
  std::vector<Judgement> judgements;
  for (const auto& gate : gates_) {
    if (!is_counted(gate)) continue;
    for (auto& one : judge(gate, canary_, stable_, risk_))
      if (stable_has_share || !one.against_stable) judgements.push_back(std::move(one));
  }
  return judgements;
}

Verdict worst(const std::vector<Judgement>& judgements) {
  Verdict verdict = Verdict::pass;
  for (const auto& one : judgements) {
    if (one.verdict == Verdict::fail) return Verdict::fail;
    if (one.verdict == Verdict::insufficient) verdict = Verdict::insufficient;
  }
  return verdict;
}

}  // namespace sluice::rollout
