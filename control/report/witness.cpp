#include "control/report/witness.hpp"

#include <algorithm>
#include <utility>

#include "control/rollout/status.hpp"

namespace sluice::report {
namespace {

std::uint64_t since(std::uint64_t now, std::uint64_t before) { return now > before ? now - before : 0; }

Counted grown(const Counted& before, const Counted& now, const Counted& base) {
  return {before.requests + since(now.requests, base.requests),
          before.errors + since(now.errors, base.errors), before.rescued + since(now.rescued, base.rescued)};
}

std::uint32_t number_of(const state::Rollout& rollout) {
  return rollout.phase == state::RolloutPhase::running ? rollout.step + 1 : 0;
}

}  // namespace

Story Witness::begun(const std::string& service, std::string keys, const state::Rollout& rollout) {
  Story story;
  story.service = service;
  story.id = rollout.id;
  story.keys = std::move(keys);
  story.rollout = state::to_json(rollout);
  story.shares.unit = "rate";
  return story;
}

void Witness::settle(const Look& look) {
  if (!story_.steps.empty() && story_.steps.back().ended == 0 && story_.steps.back().began == counted_from_)
    count(story_.steps.back(), look);
}

void Witness::expect(const state::Rollout& next, const Look& look) {
  settle(look);
  counted_from_ = next.step_began;
  base_ = look;
  canary_before_ = stable_before_ = {};
  all_before_ = 0;
  share_canary_ = look.canary.requests, share_all_ = look.all;
}

void Witness::look(const state::Rollout& rollout, const Look& look) {
  if (!rollout.active()) return;
  Step& step = step_of(rollout);
  count(step, look);
  const std::uint64_t all = since(look.all, share_all_);
  const bool due =
      story_.shares.points.empty() || look.time >= story_.shares.points.back().time + story_.shares.spacing;
  if (step.share > 0 && all > 0 && due) {
    const auto part =
        static_cast<double>(since(look.canary.requests, share_canary_)) / static_cast<double>(all);
    story_.shares.add({look.time, std::min(part, 1.0), {}, {}});
  }
  if (due) share_canary_ = look.canary.requests, share_all_ = look.all;
  if (look.judgements && step.number > 0)
    for (const auto& judgement : *look.judgements) add_judgement(step, judgement, look.time);
}

void Witness::change(const state::Rollout& rollout, Change change) {
  if (Step* step = left_step(rollout)) {
    step->ended = step->ended > 0 ? step->ended : change.time;
    step->left_by = change.verb;
    step->decision = rollout.why.empty() ? change.reason : rollout.why;
  }
  if (rollout.active()) step_of(rollout);
  story_.rollout = state::to_json(rollout);
  if (story_.changes.size() < Story::kMostChanges)
    story_.changes.push_back(std::move(change));
  else
    ++story_.left_out;
}

// The last step that it is not in any more, and of which nobody has said why; null when there is none. A look
// may have come before the change was told, and found the next one.
Step* Witness::left_step(const state::Rollout& rollout) {
  for (auto step = story_.steps.rbegin(); step != story_.steps.rend() && step->left_by.empty(); ++step)
    if (!rollout.active() || step->began != rollout.step_began) return &*step;
  return nullptr;
}

// The step that `rollout` is in; a new one when it is not the last of the story.
Step& Witness::step_of(const state::Rollout& rollout) {
  auto& steps = story_.steps;
  const std::uint32_t number = number_of(rollout);
  if (!steps.empty() && steps.back().ended == 0 && steps.back().number == number &&
      steps.back().began == rollout.step_began)
    return steps.back();
  if (!steps.empty() && steps.back().ended == 0) steps.back().ended = rollout.step_began;
  if (steps.size() >= Story::kMostSteps) steps.erase(steps.begin() + 1);
  Step step;
  step.number = number;
  step.began = rollout.step_began;
  if (number > 0) step.share = rollout.current().share, step.mirror = rollout.current().mirror;
  return steps.emplace_back(std::move(step));
}

void Witness::count(Step& step, const Look& look) {
  if (counted_from_ != step.began) {
    counted_from_ = step.began;
    base_ = look;
    canary_before_ = step.canary, stable_before_ = step.stable, all_before_ = step.all;
  }
  step.canary = grown(canary_before_, look.canary, base_.canary);
  step.stable = grown(stable_before_, look.stable, base_.stable);
  step.all = all_before_ + since(look.all, base_.all);
}

void Witness::add_judgement(Step& step, const rollout::Judgement& judgement, std::int64_t time) {
  const protocol::GateStatus said = rollout::status_of(judgement);  // finite numbers only
  Verdict verdict{said.gate,  said.verdict, said.unit,  said.why,  said.n_canary,
                  said.value, said.lower,   said.upper, said.limit};
  const auto same = std::ranges::find(step.gates, judgement.gate, &Verdict::gate);
  if (same != step.gates.end())
    *same = std::move(verdict);
  else
    step.gates.push_back(std::move(verdict));
  auto series = std::ranges::find(story_.gates, judgement.gate, &Series::gate);
  if (series == story_.gates.end()) {
    if (story_.gates.size() >= Story::kMostSeries) return;
    story_.gates.push_back({said.gate, said.unit, said.limit, said.warn_limit, {}});
    series = std::prev(story_.gates.end());
  }
  if (said.limit) series->limit = said.limit;
  if (said.value || said.lower || said.upper) series->add({time, said.value, said.lower, said.upper});
}

}  // namespace sluice::report
