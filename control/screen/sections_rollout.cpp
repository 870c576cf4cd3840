// What a rollout does: its steps and gates.
#include <algorithm>

#include "control/screen/figures.hpp"
#include "control/screen/marks.hpp"
#include "control/screen/sections.hpp"
#include "control/screen/text.hpp"
#include "proxy/base/values.hpp"

namespace sluice::screen {

using protocol::GateStatus;
using protocol::RolloutStatus;

namespace {

Line step_cell(const RolloutStatus& rollout, std::size_t index) {
  const auto& step = rollout.plan_steps[index];
  const std::size_t now = rollout.step.value_or(rollout.state == "done" ? rollout.steps + 1 : 0);
  std::string text = format_share(step.share);
  if (step.mirror) text += " + copies " + format_share(*step.mirror);
  if (index + 1 < now) return Line(text + " done", Ink::good);
  if (index + 1 > now) {
    if (step.hold.count() > 0) text += " for " + duration_text(step.hold);
    return Line(text + (step.approve ? ", promote" : ""), Ink::faint);
  }
  const auto left = hold_left(rollout);
  const bool held = left && left->count() > 0;
  return Line("[" + text + " now" + (held ? ", " + countdown_text(*left) + " left" : "") + "]", Ink::strong);
}

Line verdict_cell(const GateStatus& gate) {
  if (gate.verdict == "fail") return Line("FAIL", Ink::bad);
  if (gate.verdict != "pass") return Line("undecided", Ink::busy);
  return gate.warn ? Line("pass, warns", Ink::busy) : Line("pass", Ink::good);
}

Lines cells_of(const GateStatus& gate, const Paper& paper) {
  const std::size_t columns =
      paper.narrow() ? 0 : std::clamp<std::size_t>(paper.columns / (paper.columns < 100 ? 10 : 6), 8, 40);
  const Ink ink = gate.verdict == "fail" ? Ink::bad : Ink::plain;
  Line value(gate_figure(gate, gate.value), Ink::strong);
  if (const auto bounds = gate_range(gate); !bounds.empty()) value.add(" (" + bounds + ")");
  return {std::move(value),
          Line(evidence_bar({gate.value, gate.lower, gate.upper, gate.limit}, columns, paper.utf8), ink),
          Line("max " + gate_figure(gate, gate.limit)), verdict_cell(gate)};
}

void add_gates(std::vector<std::string>& names, std::vector<Lines>& rows, const RolloutStatus& rollout,
               const std::string& of, const Paper& paper) {
  for (const auto& gate : rollout.gates) {
    names.push_back((of.empty() ? "" : of + ": ") + gate_name(gate, rollout));
    rows.push_back(cells_of(gate, paper));
  }
}

}  // namespace

Lines steps_section(const RolloutStatus& rollout, const Paper& paper) {
  const std::string between = std::string(" ") + signs(paper.utf8).step + " ";
  Lines lines{Line("steps", Ink::faint)};
  lines.back().add("  ");
  for (std::size_t i = 0; i < rollout.plan_steps.size(); ++i) {
    const auto cell = step_cell(rollout, i);
    if (i > 0 && lines.back().width() + between.size() + cell.width() > paper.columns) {
      lines.emplace_back();
      lines.back().pad_to(7);
    } else if (i > 0) {
      lines.back().add(between, Ink::faint);
    }
    lines.back().add(cell);
  }
  return lines;
}

Lines gates_section(const RolloutStatus& rollout, const Paper& paper) {
  std::vector<std::string> names;
  std::vector<Lines> rows;
  add_gates(names, rows, rollout, "", paper);
  for (const auto& other : rollout.others) add_gates(names, rows, other, other.name, paper);
  align(rows);
  std::size_t widest = 0;
  for (const auto& name : names) widest = std::max(widest, width_of(name));
  Lines lines;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Line head(names[i]);
    if (!paper.narrow()) head.pad_to(std::min(widest, paper.columns / 2));
    append(lines, flowed(head, rows[i], paper.columns, 2));
  }
  return lines;
}

}  // namespace sluice::screen
