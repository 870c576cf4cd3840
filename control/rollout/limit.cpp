#include "control/rollout/limit.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "control/rollout/clusters.hpp"
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

// What few users with many requests leave of the counts.
std::string worth(double per) {
  return per > 1 ? ", by users " + number(per) + " of them are worth one" : std::string();
}

std::string seen_rate(const char* whose, Tally tally) {
  return std::string(whose) + " error rate is " + percent(tally.rate()) + " (" + std::to_string(tally.k) +
         " of " + count(tally.n, "attempt") + worth(tally.per) + ")";
}

std::string seen_quantile(const char* whose, const std::string& metric, Tally slower, double value) {
  return std::string(whose) + " " + metric + " is " + seconds(value) + " (" + count(slower.n, "answer") +
         worth(slower.per) + ")";
}

// Before the first step the canary is a cohort of stable's, too.
const char* whose(const Window& canary) { return canary.is_cohort() ? "the first cohort's" : "the canary's"; }
const char* whose_else(const Window& stable) {
  return stable.is_cohort() ? "the control cohort's" : "stable's";
}

// The service has shown users enough to be judged by them.
bool has_users(const Window& canary, const Window& stable) {
  return std::max(canary.cells_seen(), stable.cells_seen()) >= kFewestCells;
}

// Errors of attempts, and how many attempts are worth one at this error of the first kind. `by_users`: what
// has_users() said.
Tally errors_by_users(const Window& window, double alpha, bool by_users) {
  Tally tally = window.errors();
  if (by_users) tally.per = requests_worth_one(window.error_cells(), alpha);
  return tally;
}

// Answers slower than `at`, likewise. The cells' times are coarse: of the two edges next to it the one that
// leaves less counts.
Tally slower_by_users(const Window& window, std::uint64_t at, double alpha, bool by_users) {
  Tally tally = window.slower(at);
  if (!by_users) return tally;
  for (const auto edge : {Window::Edge::below, Window::Edge::above})
    tally.per = std::max(tally.per, requests_worth_one(window.slower_cells(at, edge), alpha));
  return tally;
}

// What a limit may fail on and what it may pass on. A pool with users in so few cells has no others: it would
// never pass by users, and passes by requests.
constexpr int kFewestToPass = 3;
struct Sides {
  Tally fail, pass;
};

Sides error_sides(const Window& window, Risk risk, bool by_users) {
  const bool passes = by_users && cells_with_requests(window.error_cells()) >= kFewestToPass;
  return {errors_by_users(window, risk.fail, by_users), errors_by_users(window, risk.pass, passes)};
}

Sides slower_sides(const Window& window, std::uint64_t at, Risk risk, bool by_users) {
  const bool passes = by_users && cells_with_requests(window.error_cells()) >= kFewestToPass;
  return {slower_by_users(window, at, risk.fail, by_users), slower_by_users(window, at, risk.pass, passes)};
}

QuantileBounds bounds_of(const observe::HistogramCounts& latency, double q, const Sides& slower,
                         double alpha_lower, double alpha_upper) {
  return {quantile_bounds(latency, q, alpha_lower, alpha_upper, slower.fail.per).lower,
          quantile_bounds(latency, q, alpha_lower, alpha_upper, slower.pass.per).upper};
}

std::optional<double> design_effect_of(double per) { return per > 1 ? std::optional(per) : std::nullopt; }

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
    judgement.why = std::string("the ") + (stable.is_cohort() ? "control cohort" : "stable pool") +
                    " has answered nothing to compare with";
  else if (against_stable() && quantile_)
    judge_quantile_increase(judgement, canary, stable, risk);
  else if (against_stable())
    judge_rate_increase(judgement, canary, stable, risk);
  else if (quantile_)
    judge_quantile(judgement, canary, has_users(canary, stable), risk);
  else
    judge_rate(judgement, canary, has_users(canary, stable), risk);
  return judgement;
}

// Requests that are taken as independent prove more than by users, and cost less to ask: most looks end
// there.
bool CountedLimit::fails(const Window& canary, const Window& stable, double risk) const {
  if (against_stable() && quantile_) return quantile_increased(canary, stable, risk);
  const bool users = has_users(canary, stable);
  if (against_stable())
    return increased(canary.errors(), stable.errors(), limit_, risk) &&
           increased(errors_by_users(canary, risk, users), errors_by_users(stable, risk, users), limit_,
                     risk);
  const double rest = quantile_ ? 1 - *quantile_ : limit_;
  const Tally seen = quantile_ ? canary.slower(micros(limit_)) : canary.errors();
  if (evidence_above(seen, rest) < threshold(risk)) return false;
  const Tally by_users =
      quantile_ ? slower_by_users(canary, micros(limit_), risk, users) : errors_by_users(canary, risk, users);
  return evidence_above(by_users, rest) >= threshold(risk);
}

void CountedLimit::judge_rate(Judgement& judgement, const Window& canary, bool users, Risk risk) const {
  const auto [fail, pass] = error_sides(canary, risk, users);
  judgement.canary = judgement.value = fail.rate();
  judgement.design_effect = design_effect_of(fail.per);
  judgement.lower = rate_bounds(fail, risk.fail, risk.pass).lower;
  judgement.upper = rate_bounds(pass, risk.fail, risk.pass).upper;
  judgement.verdict = verdict_of(evidence_above(fail, limit_) >= threshold(risk.fail),
                                 evidence_below(pass, limit_) >= threshold(risk.pass));
  judgement.warn = gate_.warn && evidence_above(fail, *gate_.warn) >= threshold(risk.warn);
  judgement.why = seen_rate(whose(canary), fail) + ", " + meaning(judgement, percent);
}

// A quantile q is above a limit when more than 1 - q of the answers are slower than it: a rate again.
void CountedLimit::judge_quantile(Judgement& judgement, const Window& canary, bool users, Risk risk) const {
  const auto latency = canary.latency();
  const double rest = 1 - *quantile_;
  const Sides beyond = slower_sides(canary, micros(limit_), risk, users);
  const QuantileBounds bounds = bounds_of(latency, *quantile_, beyond, risk.fail, risk.pass);
  judgement.canary = judgement.value = time_of(latency.quantile(*quantile_));
  judgement.design_effect = design_effect_of(beyond.fail.per);
  judgement.lower = difference(bounds.lower, 0);
  judgement.upper = difference(bounds.upper, 0);
  judgement.verdict = verdict_of(evidence_above(beyond.fail, rest) >= threshold(risk.fail),
                                 evidence_below(beyond.pass, rest) >= threshold(risk.pass));
  judgement.warn =
      gate_.warn && evidence_above(slower_by_users(canary, micros(*gate_.warn), risk.warn, users), rest) >=
                        threshold(risk.warn);
  judgement.why = seen_quantile(whose(canary), gate_.metric, beyond.fail, *judgement.value) + ", " +
                  meaning(judgement, seconds);
}

void CountedLimit::judge_rate_increase(Judgement& judgement, const Window& canary_seen,
                                       const Window& stable_seen, Risk risk) const {
  const bool users = has_users(canary_seen, stable_seen);
  const Sides canary = error_sides(canary_seen, risk, users);
  const Sides stable = error_sides(stable_seen, risk, users);
  judgement.canary = canary.fail.rate();
  judgement.stable = stable.fail.rate();
  judgement.value = canary.fail.rate() - stable.fail.rate();
  judgement.design_effect = design_effect_of(canary.fail.per);
  judgement.design_effect_stable = design_effect_of(stable.fail.per);
  judgement.lower = difference_bounds(canary.fail, stable.fail, risk.fail, risk.pass).lower;
  judgement.upper = difference_bounds(canary.pass, stable.pass, risk.fail, risk.pass).upper;
  judgement.verdict = verdict_of(increased(canary.fail, stable.fail, limit_, risk.fail),
                                 not_increased(canary.pass, stable.pass, limit_, risk.pass));
  judgement.why = seen_rate(whose(canary_seen), canary.fail) + ", " +
                  seen_rate(whose_else(stable_seen), stable.fail) + "; the increase is " +
                  meaning(judgement, percent);
}

// Two intervals, each at half the risk: stable's quantile is known much better than the canary's, so little
// is lost against a joint one. How much a request is worth is asked where either quantile lies.
void CountedLimit::judge_quantile_increase(Judgement& judgement, const Window& canary, const Window& stable,
                                           Risk risk) const {
  const auto mine = canary.latency(), other = stable.latency();
  const bool users = has_users(canary, stable);
  const Risk half{risk.fail / 2, risk.pass / 2, risk.warn};
  const Sides my_slower = slower_sides(canary, mine.quantile(*quantile_), half, users);
  const Sides other_slower = slower_sides(stable, other.quantile(*quantile_), half, users);
  const QuantileBounds my_bounds = bounds_of(mine, *quantile_, my_slower, half.fail, half.pass);
  // Stable's upper bound is what the canary fails by, its lower one what it passes by.
  const QuantileBounds other_bounds =
      bounds_of(other, *quantile_, {other_slower.pass, other_slower.fail}, half.pass, half.fail);
  judgement.canary = time_of(mine.quantile(*quantile_));
  judgement.stable = time_of(other.quantile(*quantile_));
  judgement.value = *judgement.canary - *judgement.stable;
  judgement.design_effect = design_effect_of(my_slower.fail.per);
  judgement.design_effect_stable = design_effect_of(other_slower.fail.per);
  judgement.lower = difference(my_bounds.lower, other_bounds.upper);
  judgement.upper = difference(my_bounds.upper, other_bounds.lower);
  judgement.verdict =
      verdict_of(judgement.lower && *judgement.lower > limit_, judgement.upper && *judgement.upper <= limit_);
  judgement.why = seen_quantile(whose(canary), gate_.metric, my_slower.fail, *judgement.canary) + ", " +
                  seen_quantile(whose_else(stable), gate_.metric, other_slower.fail, *judgement.stable) +
                  "; the increase is " + meaning(judgement, seconds);
}

bool CountedLimit::quantile_increased(const Window& canary, const Window& stable, double risk) const {
  if (canary.answers() == 0 || stable.answers() == 0) return false;
  // Most looks end here: stable's upper bound is not below what was seen of it.
  const auto other = stable.latency();
  const std::uint64_t at = other.quantile(*quantile_) + micros(limit_);
  if (evidence_above(canary.slower(at), 1 - *quantile_) < threshold(risk / 2)) return false;
  const auto mine = canary.latency();
  const bool users = has_users(canary, stable);
  const double my_per = slower_by_users(canary, mine.quantile(*quantile_), risk / 2, users).per;
  const double other_per = slower_by_users(stable, other.quantile(*quantile_), risk / 2, users).per;
  const auto lower = quantile_bounds(mine, *quantile_, risk / 2, 1, my_per).lower;
  const auto upper = quantile_bounds(other, *quantile_, 1, risk / 2, other_per).upper;
  const auto increase = difference(lower, upper);
  return increase && *increase > limit_;
}

}  // namespace sluice::rollout
