#include <algorithm>
#include <cstdint>

#include "control/report/document.hpp"
#include "proxy/base/values.hpp"

namespace sluice::report {
namespace {

using state::Rollout;
using state::RolloutPhase;

constexpr char kNone[] = "-";

std::string steps_text(const Rollout& rollout) {
  std::string text;
  for (const auto& step : rollout.plan.steps)
    text += (text.empty() ? "" : ", ") +
            (step.mirror > 0 ? "mirror " + share_text(step.mirror) : share_text(step.share)) +
            (step.hold.count() > 0 ? " for " + format_duration(step.hold) : "") +
            (step.approve ? " until promoted" : "");
  return text;
}

std::string others_of(const Rollout& rollout, const std::string& service) {
  std::string text;
  for (const auto& other : rollout.group)
    if (other != service) text += (text.empty() ? "" : ", ") + other;
  return text;
}

void add_facts(Document& document, const Story& story, const Rollout& rollout) {
  auto& facts = document.facts;
  const Change* begin = begin_of(story);
  facts.emplace_back("Service", story.service);
  facts.emplace_back("From, to", rollout.from + " → " + rollout.to);
  if (const auto others = others_of(rollout, story.service); !others.empty())
    facts.emplace_back("In step with", others);
  facts.emplace_back("Started", clock_text(rollout.started) + " by " + rollout.started_by);
  facts.emplace_back("Reason", begin && !begin->reason.empty() ? begin->reason : "none was given");
  facts.emplace_back("Ended", rollout.ended > 0 ? clock_text(rollout.ended) + ", after " +
                                                      span_text(rollout.ended - rollout.started)
                                                : "not yet");
  facts.emplace_back("Plan",
                     (rollout.plan.name.empty() ? "" : rollout.plan.name + ": ") + steps_text(rollout));
  facts.emplace_back("Rollout", std::to_string(story.id));
}

std::string name_of(const Step& step) {
  if (step.number == 0) return "checks";
  return std::to_string(step.number);
}

std::string asked_of(const Step& step) {
  if (step.number == 0) return kNone;
  return step.mirror > 0 ? "mirror " + share_text(step.mirror) : share_text(step.share);
}

std::string delivered_in(const Step& step) {
  if (step.all == 0 || step.share == 0) return kNone;
  return value_text(static_cast<double>(step.canary.requests) / static_cast<double>(step.all), "rate");
}

std::string errors_in(const Counted& counted) {
  if (counted.requests == 0) return kNone;
  return count_text(counted.errors, "") + " (" +
         value_text(static_cast<double>(counted.errors) / static_cast<double>(counted.requests), "rate") +
         ")";
}

std::int64_t end_time(const Step& step, std::int64_t now) { return step.ended > 0 ? step.ended : now; }

Section steps_section(const Story& story, const Rollout& rollout, std::int64_t now) {
  Section section{"Steps",
                  {},
                  {},
                  {{"Step", ">Asked", ">Delivered", ">Lasted", ">Requests to " + rollout.to, ">Errors there",
                    ">Hidden by rescue", ">Errors of " + rollout.from},
                   {}}};
  for (const auto& step : story.steps)
    section.table.rows.push_back({name_of(step), asked_of(step), delivered_in(step),
                                  span_text(end_time(step, now) - step.began),
                                  count_text(step.canary.requests, ""), errors_in(step.canary),
                                  count_text(step.canary.rescued, ""), errors_in(step.stable)});
  return section;
}

// The steps as bands of a plot.
std::vector<Plot::Band> bands_of(const Story& story, std::int64_t now, bool with_shares) {
  std::vector<Plot::Band> bands;
  for (const auto& step : story.steps) {
    if (step.number == 0) continue;
    Plot::Band band{step.began, end_time(step, now), asked_of(step), {}};
    if (with_shares) band.asked = static_cast<double>(step.share) / kWhole;
    bands.push_back(std::move(band));
  }
  return bands;
}

Plot plot_of(const Story& story, const Rollout& rollout, const Series& series, std::string title,
             std::int64_t now) {
  Plot plot;
  plot.title = std::move(title);
  plot.unit = series.unit;
  plot.bands = bands_of(story, now, &series == &story.shares);
  plot.from = plot.bands.empty() ? rollout.started : plot.bands.front().from;
  plot.to = plot.bands.empty() ? now : plot.bands.back().to;
  plot.points = series.points;
  plot.limit = series.limit;
  plot.went_back = rollout.phase == RolloutPhase::rolled_back || rollout.phase == RolloutPhase::aborted;
  return plot;
}

Section figures_section(const Story& story, const Rollout& rollout, std::int64_t now) {
  Section section{"Figures", {}, {}, {}};
  section.plots.push_back(
      plot_of(story, rollout, story.shares,
              "Share of the requests that " + rollout.to + " got (line), and what was asked (level)", now));
  for (const auto& series : story.gates)
    if (!series.points.empty()) section.plots.push_back(plot_of(story, rollout, series, series.gate, now));
  if (section.plots.size() > 1)
    section.sentences.push_back(
        "A line is what was measured since the step began, its ground the interval in which the "
        "true value lies however often one looks. A gate fails when the whole ground is above the "
        "limit.");
  return section;
}

std::string interval_of(const Verdict& gate) {
  if (!gate.lower && !gate.upper) return kNone;
  return (gate.lower ? value_text(*gate.lower, gate.unit) : "0") + " to " +
         (gate.upper ? value_text(*gate.upper, gate.unit) : "?");
}

std::string maybe(const std::optional<double>& value, const std::string& unit) {
  return value ? value_text(*value, unit) : kNone;
}

Section gates_section(const Story& story) {
  Section section{
      "Gates", {}, {}, {{"Step", "Gate", "Said last", ">Measured", ">Interval", ">Limit", "In words"}, {}}};
  for (const auto& step : story.steps)
    for (const auto& gate : step.gates)
      section.table.rows.push_back({name_of(step), gate.gate, gate.verdict, maybe(gate.value, gate.unit),
                                    interval_of(gate), maybe(gate.limit, gate.unit), gate.why});
  if (section.table.rows.empty()) section.sentences.push_back("No gate was judged.");
  return section;
}

Section decisions_section(const Story& story, std::int64_t now) {
  Section section{"Decisions", {}, {}, {{"When", "After step", "What", "Why"}, {}}};
  for (const auto& step : story.steps) {
    if (step.ended > 0)
      section.table.rows.push_back({clock_text(step.ended), name_of(step), step.left_by, step.decision});
    else
      section.table.rows.push_back({clock_text(now), name_of(step), "not yet", ""});
  }
  return section;
}

// A reason that stands among the decisions is not said again.
std::string reason_of(const Story& story, const Change& change) {
  const bool said = std::ranges::any_of(
      story.steps, [&change](const Step& step) { return step.decision == change.reason; });
  return said && change.actor == "rollout" ? "as decided" : change.reason;
}

Section changes_section(const Story& story) {
  Section section{"Who changed what",
                  {},
                  {},
                  {{">Generation", "When", "Who", "What", "From, to", "Reason", ">Audit line"}, {}}};
  for (const auto& change : story.changes)
    section.table.rows.push_back(
        {std::to_string(change.generation), clock_text(change.time), change.actor, change.verb,
         change.before + (change.before.empty() && change.after.empty() ? "" : " → ") + change.after,
         reason_of(story, change), change.audit > 0 ? std::to_string(change.audit) : kNone});
  if (story.left_out > 0)
    section.sentences.push_back(count_text(story.left_out, "change") +
                                " more had no place here; see the history.");
  return section;
}

Section log_section(const Rollout& rollout) {
  Section section{"Log", {}, {}, {{"When", "What"}, {}}};
  for (const auto& line : rollout.lines) section.table.rows.push_back({clock_text(line.time), line.text});
  return section;
}

void add_answer(Document& document, const char* question, const std::string& answer) {
  if (!answer.empty()) document.answers.emplace_back(question, answer);
}

Tone tone_of(const std::string& outcome) {
  if (outcome == "is through") return Tone::good;
  return outcome == "is under way" ? Tone::neutral : Tone::bad;
}

std::string foot_of(std::int64_t now) {
  return "Made by sluice at " + clock_text(now) +
         ". The numbers of audit lines are those of audit.log; `sluicectl history --verify` says whether it "
         "is whole.";
}

}  // namespace

Document document_of(const Story& story, const Rollout& rollout, const Summary& summary, std::int64_t now) {
  Document document;
  document.title = summary.headline;
  document.badge = summary.outcome;
  document.tone = tone_of(summary.outcome);
  add_answer(document, "What broke?", summary.what_broke);
  add_answer(document, "Whom did it hit?", summary.whom_it_hit);
  add_answer(document, "Why did it go back?", summary.why_back);
  add_answer(document, "How long were users exposed?", summary.exposure);
  add_answer(document, "How long did the way back take?", summary.way_back);
  add_facts(document, story, rollout);
  document.sections.push_back(steps_section(story, rollout, now));
  document.sections.push_back(figures_section(story, rollout, now));
  document.sections.push_back(gates_section(story));
  document.sections.push_back(decisions_section(story, now));
  document.sections.push_back(changes_section(story));
  if (story.steps.empty()) document.sections.push_back(log_section(rollout));  // nothing else was recorded
  document.foot = foot_of(now);
  return document;
}

Document document_of(const Span& span) {
  Document document;
  document.title = span.service + ": shifts since " + clock_text(span.from);
  document.badge = count_text(span.changes.size(), "change");
  const auto back = std::ranges::count_if(span.rollouts, [](const Summary& one) {
    return one.outcome == "went back" || one.outcome == "was aborted";
  });
  document.answers.emplace_back(
      "What happened?",
      count_text(span.changes.size(), "change") + ", " + count_text(span.rollouts.size(), "rollout") +
          (span.rollouts.empty() ? "." : ", of which " + std::to_string(back) + " went back."));
  for (std::size_t i = 0; i < span.rollouts.size(); ++i) {
    const auto& one = span.rollouts[i];
    Section section{"Rollout " + std::to_string(span.ids[i]), {one.headline + "."}, {}, {}};
    for (const auto* text : {&one.what_broke, &one.whom_it_hit, &one.exposure, &one.way_back})
      if (!text->empty()) section.sentences.push_back(*text);
    document.sections.push_back(std::move(section));
  }
  Story story;
  story.changes = span.changes;
  document.sections.push_back(changes_section(story));
  document.foot = foot_of(span.to);
  return document;
}

}  // namespace sluice::report
