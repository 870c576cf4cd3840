// The four questions about what the proxy counted itself: rates and quantiles, against a limit and against
// the stable pool. Behind judge(); pure.
#pragma once

#include "control/rollout/judge.hpp"

namespace sluice::rollout {

// Require: gate.max.
Judgement judge_rate(const config::GateSpec& gate, const Window& canary, Risk risk);
Judgement judge_quantile(const config::GateSpec& gate, double q, const Window& canary, Risk risk);
// Require: gate.max_increase.
Judgement judge_rate_increase(const config::GateSpec& gate, const Window& canary, const Window& stable,
                              Risk risk);
Judgement judge_quantile_increase(const config::GateSpec& gate, double q, const Window& canary,
                                  const Window& stable, Risk risk);

}  // namespace sluice::rollout
