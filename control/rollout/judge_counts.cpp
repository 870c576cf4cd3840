#include "control/rollout/judge_counts.hpp"

#include <cmath>

#include "control/rollout/figures.hpp"
#include "control/rollout/quantile.hpp"

namespace sluice::rollout {
namespace {

using Text = std::string (*)(double);

std::uint64_t micros(double time) {
  return time <= 0 ? 0 : static_cast<std::uint64_t>(std::llround(time * 1e6));
}
double time_of(std::uint64_t microseconds) { return static_cast<double>(microseconds) * 1e-6; }
std::optional<double> time_of(std::optional<std::uint64_t> microseconds) {
  if (!microseconds) return std::nullopt;
  return time_of(*microseconds);
}

Judgement begun(const config::GateSpec& gate, LimitKind kind) {
  Judgement judgement;
  judgement.gate = gate_name(gate, kind);
  judgement.against_stable = kind == LimitKind::max_increase;
  judgement.limit = kind == LimitKind::max ? gate.max : gate.max_increase;
  return judgement;
}

Verdict verdict_of(bool failed, bool passed) {
  if (failed) return Verdict::fail;
  return passed ? Verdict::pass : Verdict::insufficient;
}

// "error rate 6.1 % (31 of 508 attempts)"
std::string seen_rate(const char* whose, Tally tally) {
  return std::string(whose) + " error rate is " + percent(tally.rate()) + " (" + std::to_string(tally.k) +
         " of " + count(tally.n, "attempt") + ")";
}

std::string seen_quantile(const char* whose, const std::string& metric, const Window& window, double value) {
  return std::string(whose) + " " + metric + " is " + seconds(value) + " (" +
         count(window.latency.count, "answer") + ")";
}

// ", between 1 % and 3 %: ..." with what it means for the limit.
std::string meaning(const Judgement& judgement, Text text) {
  const std::string limit = text(*judgement.limit);
  const std::string lower = judgement.lower ? text(*judgement.lower) : "nothing";
  const std::string upper = judgement.upper ? text(*judgement.upper) : "any value";
  if (judgement.verdict == Verdict::fail) return "at least " + lower + ", above the limit of " + limit;
  if (judgement.verdict == Verdict::pass) return "at most " + upper + ", within the limit of " + limit;
  std::string said =
      "between " + lower + " and " + upper + ", which proves nothing yet about the limit of " + limit;
  if (*judgement.limit <= 0 && !judgement.against_stable)
    said += "; a limit of 0 can be broken but not be shown to be kept";
  return said;
}

bool without_data(Judgement& judgement) {
  if (judgement.n_canary == 0)
    judgement.why = "the canary has answered nothing yet";
  else if (judgement.against_stable && judgement.n_stable == 0)
    judgement.why = "the stable pool has answered nothing to compare with";
  return !judgement.why.empty();
}

}  // namespace

Judgement judge_rate(const config::GateSpec& gate, const Window& canary, Risk risk) {
  Judgement judgement = begun(gate, LimitKind::max);
  const Tally tally = canary.errors;
  judgement.n_canary = tally.n;
  if (without_data(judgement)) return judgement;
  judgement.canary = judgement.value = tally.rate();
  const Bounds bounds = rate_bounds(tally, risk.fail, risk.pass);
  judgement.lower = bounds.lower;
  judgement.upper = bounds.upper;
  judgement.verdict = verdict_of(evidence_above(tally, *gate.max) >= threshold(risk.fail),
                                 evidence_below(tally, *gate.max) >= threshold(risk.pass));
  judgement.warn = gate.warn && evidence_above(tally, *gate.warn) >= threshold(risk.warn);
  judgement.why = seen_rate("the canary's", tally) + ", " + meaning(judgement, percent);
  return judgement;
}

// A quantile is above a limit when more than 1 - q of the answers are slower than it: a rate again.
Judgement judge_quantile(const config::GateSpec& gate, double q, const Window& canary, Risk risk) {
  Judgement judgement = begun(gate, LimitKind::max);
  judgement.n_canary = canary.latency.count;
  if (without_data(judgement)) return judgement;
  judgement.canary = judgement.value = time_of(canary.latency.quantile(q));
  const QuantileBounds bounds = quantile_bounds(canary.latency, q, risk.fail, risk.pass);
  judgement.lower = time_of(bounds.lower);
  judgement.upper = time_of(bounds.upper);
  const Tally beyond = slower(canary, micros(*gate.max));
  judgement.verdict = verdict_of(evidence_above(beyond, 1 - q) >= threshold(risk.fail),
                                 evidence_below(beyond, 1 - q) >= threshold(risk.pass));
  judgement.warn =
      gate.warn && evidence_above(slower(canary, micros(*gate.warn)), 1 - q) >= threshold(risk.warn);
  judgement.why = seen_quantile("the canary's", gate.metric, canary, *judgement.value) + ", " +
                  meaning(judgement, seconds);
  return judgement;
}

Judgement judge_rate_increase(const config::GateSpec& gate, const Window& canary, const Window& stable,
                              Risk risk) {
  Judgement judgement = begun(gate, LimitKind::max_increase);
  judgement.n_canary = canary.errors.n;
  judgement.n_stable = stable.errors.n;
  if (without_data(judgement)) return judgement;
  judgement.canary = canary.errors.rate();
  judgement.stable = stable.errors.rate();
  judgement.value = *judgement.canary - *judgement.stable;
  const Bounds bounds = difference_bounds(canary.errors, stable.errors, risk.fail, risk.pass);
  judgement.lower = bounds.lower;
  judgement.upper = bounds.upper;
  judgement.verdict = verdict_of(increased(canary.errors, stable.errors, *gate.max_increase, risk.fail),
                                 not_increased(canary.errors, stable.errors, *gate.max_increase, risk.pass));
  judgement.why = seen_rate("the canary's", canary.errors) + ", " + seen_rate("stable's", stable.errors) +
                  "; the increase is " + meaning(judgement, percent);
  return judgement;
}

// Two intervals, each at half the risk: stable's quantile is known much better than the canary's, so little
// is lost against a joint one.
Judgement judge_quantile_increase(const config::GateSpec& gate, double q, const Window& canary,
                                  const Window& stable, Risk risk) {
  Judgement judgement = begun(gate, LimitKind::max_increase);
  judgement.n_canary = canary.latency.count;
  judgement.n_stable = stable.latency.count;
  if (without_data(judgement)) return judgement;
  judgement.canary = time_of(canary.latency.quantile(q));
  judgement.stable = time_of(stable.latency.quantile(q));
  judgement.value = *judgement.canary - *judgement.stable;
  const QuantileBounds mine = quantile_bounds(canary.latency, q, risk.fail / 2, risk.pass / 2);
  const QuantileBounds other = quantile_bounds(stable.latency, q, risk.pass / 2, risk.fail / 2);
  if (mine.lower && other.upper) judgement.lower = time_of(*mine.lower) - time_of(*other.upper);
  if (mine.upper && other.lower) judgement.upper = time_of(*mine.upper) - time_of(*other.lower);
  judgement.verdict = verdict_of(judgement.lower && *judgement.lower > *gate.max_increase,
                                 judgement.upper && *judgement.upper <= *gate.max_increase);
  judgement.why = seen_quantile("the canary's", gate.metric, canary, *judgement.canary) + ", " +
                  seen_quantile("stable's", gate.metric, stable, *judgement.stable) + "; the increase is " +
                  meaning(judgement, seconds);
  return judgement;
}

}  // namespace sluice::rollout
