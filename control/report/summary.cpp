#include "control/report/summary.hpp"

#include <algorithm>

#include "control/rollout/format.hpp"
#include "proxy/base/values.hpp"

namespace sluice::report {
namespace {

using state::Rollout;
using state::RolloutPhase;

bool is_way_back(const std::string& verb) {
  return verb == "rollback" || verb == "undo" || verb == "rollout back" || verb == "rollout abort" ||
         verb == "revert";
}

bool went_back(const Rollout& rollout) {
  return rollout.phase == RolloutPhase::rolled_back || rollout.phase == RolloutPhase::aborted;
}

// The last step that was entered; null before any.
const Step* last_step(const Story& story) { return story.steps.empty() ? nullptr : &story.steps.back(); }

std::string at_step(const Story& story, const Rollout& rollout) {
  const Step* step = last_step(story);
  if (!step) return {};
  if (step->number == 0) return " in the checks before the first user";
  return " at step " + std::to_string(step->number) + " of " + std::to_string(rollout.plan.steps.size()) +
         " (" + (step->mirror > 0 ? "mirror " + share_text(step->mirror) : share_text(step->share)) + ")";
}

std::string outcome_of(const Story& story, const Rollout& rollout) {
  switch (rollout.phase) {
    case RolloutPhase::verifying:
    case RolloutPhase::running:
      return "is under way";
    case RolloutPhase::rolled_back:
      return "went back";
    case RolloutPhase::aborted:
      return "was aborted";
    case RolloutPhase::done:
      break;
  }
  return end_of(story, rollout) ? "was taken back later" : "is through";
}

std::string headline_of(const Story& story, const Rollout& rollout, const std::string& outcome) {
  const std::string what = story.service + ": " + rollout.to + " ";
  if (outcome == "went back") return what + "went back to " + rollout.from + at_step(story, rollout);
  if (outcome == "was aborted")
    return what + "was aborted" + at_step(story, rollout) + ", back to " + rollout.from;
  if (outcome == "is under way") return what + "is under way from " + rollout.from + at_step(story, rollout);
  const Share last = rollout.plan.steps.back().share;
  const std::string reached =
      last == kWhole ? "has all requests of " + rollout.from : "has " + share_text(last);
  return what + reached + (outcome == "is through" ? "" : ", and was taken back later");
}

// That failed in the last step; null when none did.
const Verdict* failed_gate(const Story& story) {
  const Step* step = last_step(story);
  if (!step) return nullptr;
  const auto found = std::ranges::find(step->gates, "fail", &Verdict::verdict);
  return found == step->gates.end() ? nullptr : &*found;
}

// The gate that failed, or what else it was.
std::string what_broke(const Story& story, const Rollout& rollout) {
  if (rollout.phase != RolloutPhase::rolled_back) return {};
  if (const Verdict* gate = failed_gate(story)) return "Gate '" + gate->gate + "' failed: " + gate->why + ".";
  return "It was stopped: " + rollout.why + ".";
}

std::string why_back(const Story& story, const Rollout& rollout, const Change* end) {
  if (rollout.phase == RolloutPhase::rolled_back)
    return failed_gate(story) ? "A gate that fails takes everything back at once, without asking."
                              : "The daemon took it back by itself, without asking.";
  const std::string by = end ? " by " + end->actor + " with " + end->verb : std::string();
  const std::string reason = end ? end->reason : rollout.why;
  return "It was taken back at " + clock_text(end ? end->time : rollout.ended) + by +
         (reason.empty() ? "." : ": " + reason + ".");
}

std::string way_back_text(double took_ms, const std::string& pool) {
  const auto took = static_cast<std::int64_t>(took_ms + 0.999);
  return "The way back took " + span_text(took) +
         ", from the decision until the last worker sent nothing to " + pool + " any more.";
}

void add_counts(Summary& summary, const Story& story) {
  for (const auto& step : story.steps) {
    if (step.share == 0) continue;
    summary.requests += step.canary.requests;
    summary.errors += step.canary.errors;
    summary.rescued += step.canary.rescued;
    summary.most_share = std::max(summary.most_share, step.share);
  }
  summary.seen_by_clients = summary.errors > summary.rescued ? summary.errors - summary.rescued : 0;
}

std::string whom_it_hit(const Summary& summary, const Story& story, const Rollout& rollout) {
  if (summary.most_share == 0) return "No user was sent to " + rollout.to + ".";
  std::string text =
      "Up to " + share_text(summary.most_share) + " of the " +
      (story.keys.empty() ? "requests were" : "users (told apart by " + story.keys + ") were") + " sent to " +
      rollout.to + ", with " + count_text(summary.requests, "request") + ". ";
  if (summary.errors == 0) return text + "None of these failed there.";
  text += count_text(summary.errors, "") + " of these failed there";
  if (summary.rescued == 0) return text + ", and clients saw it.";
  if (summary.seen_by_clients == 0)
    return text + ", and another pool answered each instead: no client saw one.";
  return text + ", another pool answered " + count_text(summary.rescued, "") +
         " of them instead, and clients saw " + count_text(summary.seen_by_clients, "error") + ".";
}

std::int64_t exposed(const Story& story, std::int64_t now) {
  std::int64_t all = 0;
  for (const auto& step : story.steps)
    if (step.share > 0) all += std::max<std::int64_t>(0, (step.ended > 0 ? step.ended : now) - step.began);
  return all;
}

std::string exposure_text(const Summary& summary, const Rollout& rollout, const Story& story) {
  if (summary.most_share == 0) return "No user was exposed.";
  std::int64_t first = 0;
  for (const auto& step : story.steps)
    if (step.share > 0 && first == 0) first = step.began;
  return "Users were exposed to " + rollout.to + " for " + span_text(summary.exposed_ms) + ", from " +
         clock_text(first) + (rollout.active() ? " on." : " to " + clock_text(rollout.ended) + ".");
}

}  // namespace

const Change* begin_of(const Story& story) {
  const auto found = std::ranges::find(story.changes, story.id, &Change::generation);
  return found == story.changes.end() ? nullptr : &*found;
}

const Change* end_of(const Story& story, const Rollout& rollout) {
  if (rollout.active()) return nullptr;
  for (const auto& change : story.changes)
    if (change.time >= rollout.ended && (is_way_back(change.verb) || went_back(rollout))) return &change;
  return nullptr;
}

Summary summary_of(const Story& story, const Rollout& rollout, std::int64_t now) {
  Summary summary;
  summary.outcome = outcome_of(story, rollout);
  summary.headline = headline_of(story, rollout, summary.outcome);
  add_counts(summary, story);
  summary.exposed_ms = exposed(story, now);
  summary.what_broke = what_broke(story, rollout);
  summary.whom_it_hit = whom_it_hit(summary, story, rollout);
  summary.exposure = exposure_text(summary, rollout, story);
  const Change* end = end_of(story, rollout);
  if (end || went_back(rollout)) summary.why_back = why_back(story, rollout, end);
  if (!end) return summary;
  summary.back_ms = end->took_ms;
  summary.way_back = way_back_text(end->took_ms, rollout.to);
  return summary;
}

std::string clock_text(std::int64_t unix_milliseconds) {
  std::string text = time_text(unix_milliseconds);  // 2026-11-28T14:02:11.123Z
  text[10] = ' ';
  return text.substr(0, 19) + " UTC";
}

std::string span_text(std::int64_t milliseconds) {
  const std::int64_t seconds = (milliseconds + 500) / 1000, minutes = seconds / 60, hours = minutes / 60;
  if (milliseconds < 1000) return std::to_string(milliseconds) + " ms";
  if (milliseconds < 10'000)
    return std::to_string(milliseconds / 1000) + "." + std::to_string(milliseconds % 1000 / 100) + " s";
  if (minutes == 0) return std::to_string(seconds) + " s";
  if (hours == 0) return std::to_string(minutes) + " min " + std::to_string(seconds % 60) + " s";
  return std::to_string(hours) + " h " + std::to_string(minutes % 60) + " min";
}

std::string value_text(double value, const std::string& unit) {
  if (unit == "rate") return rollout::percent(value);
  if (unit == "seconds") return rollout::seconds(value);
  return rollout::number(value);
}

std::string share_text(Share share) {
  std::string text = format_share(share);
  return text.insert(text.size() - 1, " ");
}

std::string count_text(std::uint64_t count, const std::string& thing) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return thing.empty() ? digits : digits + " " + thing + (count == 1 ? "" : "s");
}

}  // namespace sluice::report
