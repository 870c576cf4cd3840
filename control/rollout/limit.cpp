#include "control/rollout/limit.hpp"

#include <cmath>
#include <utility>

#include "control/rollout/quantile.hpp"

namespace sluice::rollout {
namespace {

using Text = std::string (*)(double);

std::uint64_t micros(double time) {
  return time > 0 ? static_cast<std::uint64_t>(std::llround(time * 1e6)) : 0;
}
double time_of(std::uint64_t microseconds) { return static_cast<double>(microseconds) * 1e-6; }

std::optional<double> difference(std::optional<std::uint64_t> a, std::optional<std::uint64_t> b) {
  if (!a || !b) return std::nullopt;
  return time_of(*a) - time_of(*b);
}

Verdict verdict_of(bool failed, bool passed) {
  if (failed) return Verdict::fail;
  return passed ? Verdict::pass : Verdict::insufficient;
}

std::string seen_rate(const char* whose, Tally tally) {
  return std::string(whose) + " error rate is " + percent(tally.rate()) + " (" + std::to_string(tally.k) +
         " of " + count(tally.n, "attempt") + ")";
}

std::string seen_quantile(const char* whose, const std::string& metric, std::uint64_t answers, double value) {
  return std::string(whose) + " " + metric + " is " + seconds(value) + " (" + count(answers, "answer") + ")";
}

// The bounds, and what they mean for the limit.
std::string meaning(const Judgement& judgement, Text text) {
  const std::string limit = text(*judgement.limit);
  const std::string lower = judgement.lower ? text(*judgement.lower) : "anything";
  const std::string upper = judgement.upper ? text(*judgement.upper) : "anything";
  if (judgement.verdict == Verdict::fail) return "at least " + lower + ", above the limit of " + limit;
  if (judgement.verdict == Verdict::pass) return "at most " + upper + ", within the limit of " + limit;
  std::string said = "between " + lower + " and " + upper + ", no proof yet for the limit of " + limit;
  if (*judgement.limit <= 0) said += " (a limit of 0 can be broken, but not be shown to be kept)";
  return said;
}

}  // namespace

bool is_counted(const config::GateSpec& gate) {
  return gate.metric == "error_rate" || quantile_of(gate.metric);
}

std::vector<CountedLimit> counted_limits(const std::vector<config::GateSpec>& gates) {
  std::vector<CountedLimit> limits;
  for (const auto& gate : gates) {
    if (!is_counted(gate)) continue;
    if (gate.max) limits.emplace_back(gate, LimitKind::max);
    if (gate.max_increase) limits.emplace_back(gate, LimitKind::max_increase);
  }
  return limits;
}

CountedLimit::CountedLimit(config::GateSpec gate, LimitKind kind)
    : gate_(std::move(gate)),
      kind_(kind),
      limit_((kind == LimitKind::max ? gate_.max : gate_.max_increase).value()),
      quantile_(quantile_of(gate_.metric)) {}

Judgement CountedLimit::judge(const Window& canary, const Window& stable, Risk risk) const {
  Judgement judgement;
  judgement.gate = gate_name(gate_, kind_);
  judgement.against_stable = against_stable();
  judgement.limit = limit_;
  if (!against_stable()) judgement.warn_limit = gate_.warn;
  judgement.unit = unit_of(gate_);
  judgement.n_canary = quantile_ ? canary.answers() : canary.errors().n;
  if (against_stable()) judgement.n_stable = quantile_ ? stable.answers() : stable.errors().n;
  if (judgement.n_canary == 0)
    judgement.why = "the canary has answered nothing yet";
  else if (against_stable() && judgement.n_stable == 0)
    judgement.why = "the stable pool has answered nothing to compare with";
  else if (against_stable() && quantile_)
    judge_quantile_increase(judgement, canary, stable, risk);
  else if (against_stable())
    judge_rate_increase(judgement, canary.errors(), stable.errors(), risk);
  else if (quantile_)
    judge_quantile(judgement, canary, risk);
  else
    judge_rate(judgement, canary.errors(), risk);
  return judgement;
}

bool CountedLimit::fails(const Window& canary, const Window& stable, double risk) const {
  if (against_stable() && quantile_) return quantile_increased(canary, stable, risk);
  if (against_stable()) return increased(canary.errors(), stable.errors(), limit_, risk);
  if (quantile_) return evidence_above(canary.slower(micros(limit_)), 1 - *quantile_) >= threshold(risk);
  return evidence_above(canary.errors(), limit_) >= threshold(risk);
}

void CountedLimit::judge_rate(Judgement& judgement, Tally canary, Risk risk) const {
  judgement.canary = judgement.value = canary.rate();
  const Bounds bounds = rate_bounds(canary, risk.fail, risk.pass);
  judgement.lower = bounds.lower;
  judgement.upper = bounds.upper;
  judgement.verdict = verdict_of(evidence_above(canary, limit_) >= threshold(risk.fail),
                                 evidence_below(canary, limit_) >= threshold(risk.pass));
  judgement.warn = gate_.warn && evidence_above(canary, *gate_.warn) >= threshold(risk.warn);
  judgement.why = seen_rate("the canary's", canary) + ", " + meaning(judgement, percent);
}

// A quantile q is above a limit when more than 1 - q of the answers are slower than it: a rate again.
void CountedLimit::judge_quantile(Judgement& judgement, const Window& canary, Risk risk) const {
  const auto latency = canary.latency();
  const double rest = 1 - *quantile_;
  const QuantileBounds bounds = quantile_bounds(latency, *quantile_, risk.fail, risk.pass);
  const Tally beyond = canary.slower(micros(limit_));
  judgement.canary = judgement.value = time_of(latency.quantile(*quantile_));
  judgement.lower = difference(bounds.lower, 0);
  judgement.upper = difference(bounds.upper, 0);
  judgement.verdict = verdict_of(evidence_above(beyond, rest) >= threshold(risk.fail),
                                 evidence_below(beyond, rest) >= threshold(risk.pass));
  judgement.warn =
      gate_.warn && evidence_above(canary.slower(micros(*gate_.warn)), rest) >= threshold(risk.warn);
  judgement.why = seen_quantile("the canary's", gate_.metric, latency.count, *judgement.value) + ", " +
                  meaning(judgement, seconds);
}

void CountedLimit::judge_rate_increase(Judgement& judgement, Tally canary, Tally stable, Risk risk) const {
  judgement.canary = canary.rate();
  judgement.stable = stable.rate();
  judgement.value = canary.rate() - stable.rate();
  const Bounds bounds = difference_bounds(canary, stable, risk.fail, risk.pass);
  judgement.lower = bounds.lower;
  judgement.upper = bounds.upper;
  judgement.verdict = verdict_of(increased(canary, stable, limit_, risk.fail),
                                 not_increased(canary, stable, limit_, risk.pass));
  judgement.why = seen_rate("the canary's", canary) + ", " + seen_rate("stable's", stable) +
                  "; the increase is " + meaning(judgement, percent);
}

// Two intervals, each at half the risk: stable's quantile is known much better than the canary's, so little
// is lost against a joint one.
void CountedLimit::judge_quantile_increase(Judgement& judgement, const Window& canary, const Window& stable,
                                           Risk risk) const {
  const auto mine = canary.latency(), other = stable.latency();
  const QuantileBounds my_bounds = quantile_bounds(mine, *quantile_, risk.fail / 2, risk.pass / 2);
  const QuantileBounds other_bounds = quantile_bounds(other, *quantile_, risk.pass / 2, risk.fail / 2);
  judgement.canary = time_of(mine.quantile(*quantile_));
  judgement.stable = time_of(other.quantile(*quantile_));
  judgement.value = *judgement.canary - *judgement.stable;
  judgement.lower = difference(my_bounds.lower, other_bounds.upper);
  judgement.upper = difference(my_bounds.upper, other_bounds.lower);
  judgement.verdict =
      verdict_of(judgement.lower && *judgement.lower > limit_, judgement.upper && *judgement.upper <= limit_);
  judgement.why = seen_quantile("the canary's", gate_.metric, mine.count, *judgement.canary) + ", " +
                  seen_quantile("stable's", gate_.metric, other.count, *judgement.stable) +
                  "; the increase is " + meaning(judgement, seconds);
}

bool CountedLimit::quantile_increased(const Window& canary, const Window& stable, double risk) const {
  if (canary.answers() == 0 || stable.answers() == 0) return false;
  // Most looks end here: stable's upper bound is not below what was seen of it.
  const auto other = stable.latency();
  const std::uint64_t at = other.quantile(*quantile_) + micros(limit_);
  if (evidence_above(canary.slower(at), 1 - *quantile_) < threshold(risk / 2)) return false;
  const auto lower = quantile_bounds(canary.latency(), *quantile_, risk / 2, 1).lower;
  const auto upper = quantile_bounds(other, *quantile_, 1, risk / 2).upper;
  const auto increase = difference(lower, upper);
  return increase && *increase > limit_;
}

}  // namespace sluice::rollout
