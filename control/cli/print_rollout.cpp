#include "control/cli/print_rollout.hpp"

#include <cstdio>

#include "control/screen/figures.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

using protocol::GateStatus;
using protocol::RolloutStatus;
using screen::gate_bounds;
using screen::gate_figure;

namespace {

// "5%", "5% (warn 1%)".
std::string limit_text(const GateStatus& gate) {
  const std::string limit = gate_figure(gate, gate.limit);
  return gate.warn_limit ? limit + " (warn " + gate_figure(gate, gate.warn_limit) + ")" : limit;
}

std::string percent_text(const std::optional<Share>& share) {
  char text[32];
  std::snprintf(text, sizeof text, "%g%%", static_cast<double>(share.value_or(0)) / kWhole * 100);
  return text;
}

std::string place_text(const RolloutStatus& rollout) {
  if (!rollout.step) return rollout.state;
  const std::string mirror = rollout.mirror ? ", mirror " + percent_text(rollout.mirror) : "";
  return rollout.state + ", step " + std::to_string(*rollout.step) + " of " + std::to_string(rollout.steps) +
         " (" + percent_text(rollout.share) + mirror + ")";
}

std::string paint_verdict(const std::string& verdict, bool warn, const Style& style) {
  if (verdict == "fail") return style.bad(verdict);
  if (verdict == "insufficient") return style.busy(verdict);
  return warn ? style.busy(verdict + " (warn)") : style.good(verdict);
}

std::string gates_table(const RolloutStatus& rollout, const Style& style) {
  Table table({"GATE", ">CANARY N", ">VALUE", ">BETWEEN", ">LIMIT", "VERDICT"});
  for (const auto& gate : rollout.gates)
    table.add({gate.gate, std::to_string(gate.n_canary), gate_figure(gate, gate.value), gate_bounds(gate),
               limit_text(gate), paint_verdict(gate.verdict, gate.warn, style)});
  if (table.empty()) return "";
  std::string out = table.render(style);
  for (const auto& gate : rollout.gates)
    if (gate.verdict != "pass") out += "  " + gate.gate + ": " + gate.why + "\n";
  return out;
}

std::string requests_text(const RolloutStatus& rollout) {
  const bool of_cohorts = rollout.state == "verifying" && !rollout.control.empty();
  if (of_cohorts)
    return std::to_string(rollout.requests.canary) + " and " + std::to_string(rollout.requests.stable) +
           " requests to two cohorts of " + rollout.from;
  return std::to_string(rollout.requests.canary) + (rollout.mirror ? " mirrored" : "") + " requests to " +
         rollout.to + ", " + std::to_string(rollout.requests.stable) +
         (rollout.control.empty() ? " to " : " to the control cohort of ") + rollout.from;
}

std::string gate_line(const GateStatus& gate) {
  const std::string warn = gate.warn_limit ? ", warn " + gate_figure(gate, gate.warn_limit) : std::string();
  return gate.gate + warn + ": " + gate_figure(gate, gate.value) + " (" + gate_bounds(gate) + ") " +
         gate.verdict + (gate.warn ? " (warn)" : "");
}

// "; 10 requests to green, 190 to blue; error_rate max 5 %, warn 1%: 0% (0% to 4%) pass"
std::string figures_line(const RolloutStatus& rollout) {
  std::string out = "; " + requests_text(rollout);
  for (const auto& gate : rollout.gates) out += "; " + gate_line(gate);
  return out;
}

}  // namespace

std::string rollout_summary(const RolloutStatus& rollout) {
  const auto& waits = rollout.waits_for;
  return "to " + rollout.to + ": " + place_text(rollout) + (waits.empty() ? "" : "; " + waits);
}

std::string render_rollout_line(const RolloutStatus& rollout) {
  std::string out = place_text(rollout);
  if (!rollout.active) return out + (rollout.why.empty() ? "" : ": " + rollout.why) + "\n";
  out += figures_line(rollout);
  for (const auto& other : rollout.others) out += "; " + other.name + figures_line(other);
  return out + "\n";
}

std::string rollout_landmark(const RolloutStatus& rollout) {
  std::string out = place_text(rollout);
  for (const auto& gate : rollout.gates) out += " " + gate.verdict;
  for (const auto& other : rollout.others)
    for (const auto& gate : other.gates) out += " " + gate.verdict;
  return out;
}

std::string render_rollout(const RolloutStatus& rollout, const std::string& service, const Style& style) {
  std::string out = style.strong(service) + "   rollout from " + rollout.from + " to " + rollout.to + ": " +
                    place_text(rollout) + "\n";
  const auto line = [&out](const char* title, const std::string& text) {
    if (!text.empty()) out += std::string(title) + text + "\n";
  };
  line("started   ", rollout.started + " by " + rollout.started_by);
  line("plan      ", rollout.plan);
  if (rollout.active) {
    line("waiting   ", rollout.waits_for);
    line("counted   ", requests_text(rollout));
    line("control   ", rollout.control);
  }
  line("why       ", rollout.why);
  line("ended     ", rollout.ended.value_or(""));
  line("retained  ", rollout.retained_until.value_or(""));
  out += gates_table(rollout, style);
  for (const auto& other : rollout.others)
    out += "in step with it: " + other.name + ", " + requests_text(other) + "\n" + gates_table(other, style);
  for (const auto& [time, text] : rollout.log) out += time + "  " + text + "\n";
  return out;
}

}  // namespace sluice::cli
