#include "control/state/rollout.hpp"

#include <array>
#include <boost/json/array.hpp>

#include "control/state/read_json.hpp"
#include "proxy/config/dump.hpp"
#include "proxy/config/load.hpp"

namespace sluice::state {
namespace {

namespace json = boost::json;
using Shares = std::vector<std::pair<std::string, Share>>;

constexpr std::array kPhases = {RolloutPhase::verifying, RolloutPhase::running, RolloutPhase::done,
                                RolloutPhase::rolled_back, RolloutPhase::aborted};

json::object shares_to_json(const Shares& shares) {
  json::object out;
  for (const auto& [pool, share] : shares) out[pool] = share;
  return out;
}

std::optional<Shares> read_shares(const json::value& value, std::string_view name) {
  const auto* object = field(value, name) ? field(value, name)->if_object() : nullptr;
  if (!object) return std::nullopt;
  Shares shares;
  for (const auto& [pool, share] : *object) {
    const auto units = number_in<Share>(share);
    if (!units) return std::nullopt;
    shares.emplace_back(pool, *units);
  }
  return shares;
}

std::vector<std::string> read_texts(const json::value& value, std::string_view name) {
  std::vector<std::string> texts;
  if (const auto* list = array_field(value, name))
    for (const auto& text : *list)
      if (text.is_string()) texts.emplace_back(text.get_string());
  return texts;
}

std::vector<RolloutLine> read_lines(const json::value& value) {
  std::vector<RolloutLine> lines;
  if (const auto* list = array_field(value, "lines"))
    for (const auto& line : *list)
      lines.push_back(
          {number_field<std::int64_t>(line, "time").value_or(0), text_field(line, "text").value_or("")});
  return lines;
}

std::optional<RolloutPhase> read_phase(const json::value& value) {
  const auto text = text_field(value, "phase");
  for (const auto phase : kPhases)
    if (text && *text == to_string(phase)) return phase;
  return std::nullopt;
}

// Kept as the YAML that operators write: one grammar, checked by one loader.
std::optional<config::PlanSpec> read_plan(const json::value& value) {
  const auto text = text_field(value, "plan");
  if (!text) return std::nullopt;
  return config::load_plan(*text, "plan", text_field(value, "plan_name").value_or(""),
                           config::PlanBy::journal)
      .plan;
}

void read_times(const json::value& value, Rollout& rollout) {
  const auto time = [&value](std::string_view name) {
    return number_field<std::int64_t>(value, name).value_or(0);
  };
  rollout.started = time("started");
  rollout.step_began = time("step_began");
  rollout.ended = time("ended");
  rollout.retained_until = time("retained_until");
}

}  // namespace

std::string_view to_string(RolloutPhase phase) {
  switch (phase) {
    case RolloutPhase::verifying:
      return "verifying";
    case RolloutPhase::running:
      return "running";
    case RolloutPhase::done:
      return "done";
    case RolloutPhase::rolled_back:
      return "rolled_back";
    case RolloutPhase::aborted:
      return "aborted";
  }
  return "";
}

std::string Rollout::text() const {
  std::string out = "to " + to + ": ";
  if (phase == RolloutPhase::running)
    out += "step " + std::to_string(step + 1) + " of " + std::to_string(plan.steps.size()) + " (" +
           format_share(current().share) +
           (current().mirror > 0 ? ", mirror " + format_share(current().mirror) : "") + ")";
  else if (phase == RolloutPhase::rolled_back)
    out += "rolled back";
  else
    out += to_string(phase);
  return paused && active() ? out + ", paused" : out;
}

void Rollout::log_change(std::int64_t time, std::string line) {
  if (lines.size() >= kMostLines) lines.erase(lines.begin() + 1);
  lines.push_back({time, std::move(line)});
}

void Rollout::end(RolloutPhase how, std::int64_t time, std::string reason) {
  phase = how;
  paused = false;
  ended = time;
  why = std::move(reason);
  log_change(time, text() + ": " + why);
}

json::object to_json(const Rollout& rollout) {
  json::array lines;
  for (const auto& line : rollout.lines) lines.push_back({{"time", line.time}, {"text", line.text}});
  return {{"id", rollout.id},
          {"from", rollout.from},
          {"to", rollout.to},
          {"group", json::array(rollout.group.begin(), rollout.group.end())},
          {"plan_name", rollout.plan.name},
          {"plan", config::to_yaml(rollout.plan)},
          {"phase", to_string(rollout.phase)},
          {"step", rollout.step},
          {"paused", rollout.paused},
          {"started", rollout.started},
          {"step_began", rollout.step_began},
          {"ended", rollout.ended},
          {"retained_until", rollout.retained_until},
          {"started_by", rollout.started_by},
          {"why", rollout.why},
          {"before", shares_to_json(rollout.before)},
          {"stables_before",
           json::array(rollout.stable_history_before.begin(), rollout.stable_history_before.end())},
          {"lines", std::move(lines)}};
}

std::optional<Rollout> rollout_from_json(const json::value& value) {
  const auto id = number_field<std::uint64_t>(value, "id");
  const auto step = number_field<std::uint32_t>(value, "step");
  const auto from = text_field(value, "from"), to = text_field(value, "to");
  const auto phase = read_phase(value);
  auto plan = read_plan(value);
  auto before = read_shares(value, "before");
  if (!id || !step || !from || !to || !phase || !plan || !before) return std::nullopt;
  if (*step >= plan->steps.size()) return std::nullopt;
  Rollout rollout;
  rollout.id = *id;
  rollout.from = *from, rollout.to = *to;
  rollout.group = read_texts(value, "group");
  rollout.plan = std::move(*plan);
  rollout.phase = *phase;
  rollout.step = *step;
  const auto* paused = field(value, "paused");
  rollout.paused = paused && *paused == true;
  read_times(value, rollout);
  rollout.started_by = text_field(value, "started_by").value_or("");
  rollout.why = text_field(value, "why").value_or("");
  rollout.before = std::move(*before);
  rollout.stable_history_before = read_texts(value, "stables_before");
  rollout.lines = read_lines(value);
  return rollout;
}

json::object to_json(const Unconfirmed& unconfirmed) {
  return {{"deadline", unconfirmed.deadline},
          {"generation", unconfirmed.generation},
          {"before", shares_to_json(unconfirmed.before)},
          {"stables_before",
           json::array(unconfirmed.stable_history_before.begin(), unconfirmed.stable_history_before.end())}};
}

std::optional<Unconfirmed> unconfirmed_from_json(const json::value& value) {
  const auto deadline = number_field<std::int64_t>(value, "deadline");
  const auto generation = number_field<std::uint64_t>(value, "generation");
  auto before = read_shares(value, "before");
  if (!deadline || !generation || !before) return std::nullopt;
  return Unconfirmed{*deadline, *generation, std::move(*before), read_texts(value, "stables_before")};
}

}  // namespace sluice::state
