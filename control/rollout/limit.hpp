// One limit that a gate sets to what the proxy counts itself: the error rate or a quantile of the latency,
// against a number or against the stable pool (G4, G5). Pure.
#pragma once

#include <optional>
#include <vector>

#include "control/rollout/format.hpp"
#include "control/rollout/judgement.hpp"
#include "control/rollout/window.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::rollout {

// The errors of the first kind that one limit may make in one step.
struct Risk {
  double fail = 0.00075;  // a healthy canary is failed
  double pass = 0.05;     // one at its limit is passed; the next step looks again
  double warn = 0.01;
};

class CountedLimit {
 public:
  // Requires: the gate is of error_rate or a quantile, and has a limit of this kind.
  CountedLimit(config::GateSpec gate, LimitKind kind);

  const config::GateSpec& gate() const { return gate_; }
  LimitKind kind() const { return kind_; }
  bool against_stable() const { return kind_ == LimitKind::max_increase; }
  // Judges once, with bounds; `stable` is not looked at unless it is against stable.
  Judgement judge(const Window& canary, const Window& stable, Risk risk) const;
  // Whether judge() with this risk says fail; much cheaper.
  bool fails(const Window& canary, const Window& stable, double risk) const;

 private:
  void judge_rate(Judgement& judgement, const Window& seen, bool users, Risk risk) const;
  void judge_quantile(Judgement& judgement, const Window& canary, bool users, Risk risk) const;
  void judge_rate_increase(Judgement& judgement, const Window& canary, const Window& stable, Risk risk) const;
  void judge_quantile_increase(Judgement& judgement, const Window& canary, const Window& stable,
                               Risk risk) const;
  bool quantile_increased(const Window& canary, const Window& stable, double risk) const;

  config::GateSpec gate_;
  LimitKind kind_;
  double limit_;
  std::optional<double> quantile_;  // nullopt: the error rate
};

// error_rate, p50, p95 ...; saturation, prometheus, exec and http are not counted.
bool is_counted(const config::GateSpec& gate);
// Of each counted gate `max` and `max_increase`, where they are set, in their order.
std::vector<CountedLimit> counted_limits(const std::vector<config::GateSpec>& gates);

}  // namespace sluice::rollout
