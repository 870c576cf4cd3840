#include "control/rollout/judge.hpp"

#include <algorithm>
#include <utility>

namespace sluice::rollout {
namespace {

constexpr double kRolloutRisk = 0.01 - 0.001;  // G5 less what FastFail may spend

// The fresh windows share as much again.
Risk risk_of_whole(std::size_t steps, std::size_t limits) {
  Risk risk = risk_of(steps, limits);
  risk.fail /= 2;
  return risk;
}

}  // namespace

Risk risk_of(std::size_t steps, std::size_t limits) {
  Risk risk;
  risk.fail = kRolloutRisk / static_cast<double>(std::max<std::size_t>(1, steps * limits));
  return risk;
}

Judge::Judge(const std::vector<config::GateSpec>& gates, std::size_t steps)
    : limits_(counted_limits(gates)), risk_(risk_of_whole(steps, limits_.size())) {}

Judge::Tests Judge::tests_of(const std::vector<config::GateSpec>& gates, std::size_t steps) {
  Tests tests;
  for (const CountedLimit& limit : counted_limits(gates))
    tests.limits.push_back({limit.gate(), limit.kind()});
  tests.risk = risk_of_whole(steps, tests.limits.size());
  return tests;
}

void Judge::begin(Reading canary, Reading stable) {
  canary_began_ = std::move(canary);
  stable_began_ = std::move(stable);
  starts_.clear();
  canary_ = stable_ = {};
}

Judge::Seen Judge::seen(const Reading& canary, const Reading& stable) const {
  if (went_back(canary_began_, canary) || went_back(stable_began_, stable)) return {};
  std::vector<WindowStarts::Start> starts = starts_.all();
  for (WindowStarts::Start& start : starts) {
    start.canary = std::move(start.canary) - canary_began_;
    start.stable = std::move(start.stable) - stable_began_;
  }
  return {canary - canary_began_, stable - stable_began_, WindowStarts(std::move(starts), starts_.last())};
}

void Judge::go_on(const Seen& seen) {
  std::vector<WindowStarts::Start> starts = seen.starts.all();
  for (WindowStarts::Start& start : starts) {
    start.canary = std::move(start.canary) + canary_began_;
    start.stable = std::move(start.stable) + stable_began_;
  }
  starts_ = WindowStarts(std::move(starts), seen.starts.last());
}

void Judge::follow(const Reading& canary, const Reading& stable) {
  if (went_back(canary_began_, canary) || went_back(stable_began_, stable)) begin(canary, stable);
  canary_ = Window(canary_began_, canary).errors();
  stable_ = Window(stable_began_, stable).errors();
  starts_.record(canary_began_, canary, stable);
}

std::vector<Judgement> Judge::look(const Reading& canary, const Reading& stable, bool compare) {
  follow(canary, stable);
  std::vector<Judgement> judgements;
  for (const CountedLimit& limit : limits_)
    if (compare || !limit.against_stable()) judgements.push_back(judge(limit, canary, stable));
  return judgements;
}

bool Judge::fails(const Reading& canary, const Reading& stable, bool compare) {
  follow(canary, stable);
  return std::ranges::any_of(limits_, [&](const CountedLimit& limit) {
    return (compare || !limit.against_stable()) && fails(limit, canary, stable);
  });
}

bool Judge::fails(const CountedLimit& limit, const Reading& canary, const Reading& stable) const {
  const Window mine(canary_began_, canary), other(stable_began_, stable);
  return limit.fails(mine, other, risk_.fail) || failing_start(limit, canary, stable);
}

const WindowStarts::Start* Judge::failing_start(const CountedLimit& limit, const Reading& canary,
                                                const Reading& stable) const {
  for (const WindowStarts::Start& start : starts_.all())
    if (limit.fails(Window(start.canary, canary), Window(start.stable, stable), risk_.fail * start.part()))
      return &start;
  return nullptr;
}

Judgement Judge::judge(const CountedLimit& limit, const Reading& canary, const Reading& stable) const {
  Judgement whole = limit.judge(Window(canary_began_, canary), Window(stable_began_, stable), risk_);
  if (whole.verdict == Verdict::fail) return whole;
  const WindowStarts::Start* start = failing_start(limit, canary, stable);
  if (!start) return whole;
  Risk risk = risk_;
  risk.fail *= start->part();
  Judgement late = limit.judge(Window(start->canary, canary), Window(start->stable, stable), risk);
  late.why += ", in the last part of the step";
  return late;
}

}  // namespace sluice::rollout
