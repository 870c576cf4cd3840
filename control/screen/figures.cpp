#include "control/screen/figures.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "proxy/base/values.hpp"

namespace sluice::screen {

using protocol::GateStatus;
using protocol::milliseconds;
using protocol::RolloutStatus;

std::string formatted(const std::optional<double>& number, const char* format) {
  if (!number) return "-";
  char text[64];
  std::snprintf(text, sizeof text, format, *number);
  return text;
}

std::string rate_text(double per_second) {
  return formatted(per_second, per_second < 9.95 ? "%.1f/s" : "%.0f/s");
}

std::string percent_text(const std::optional<double>& part) {
  return formatted(part ? std::optional(*part * 100) : std::nullopt, "%.2f%%");
}

std::string milliseconds_text(const std::optional<double>& value) {
  return formatted(value, value && *value < 9.95 ? "%.1f ms" : "%.0f ms");
}

std::string countdown_text(milliseconds left) {
  using namespace std::chrono;
  return duration_text(ceil<seconds>(std::max(left, milliseconds(0))));
}

std::string time_of_day(const std::string& time) { return time.size() >= 19 ? time.substr(11, 8) : time; }

std::string gate_figure(const GateStatus& gate, const std::optional<double>& number) {
  if (!number) return "-";
  if (gate.unit == "rate") return formatted(*number * 100, "%.3g%%");
  return gate.unit == "seconds" ? formatted(*number * 1000, "%.3g ms") : formatted(number, "%.4g");
}

std::string gate_name(const GateStatus& gate, const RolloutStatus& rollout) {
  constexpr std::string_view kAgainst = " against stable";
  std::string name = gate.gate;
  if (gate.limit) name = name.substr(0, std::min(name.find(" max "), name.find(" max_increase ")));
  if (const auto at = name.find(kAgainst); at != std::string::npos)
    name.replace(at, kAgainst.size(), " vs " + rollout.from);
  return name;
}

std::string gate_bounds(const GateStatus& gate) {
  if (gate.upper && gate.lower) return gate_figure(gate, gate.lower) + " to " + gate_figure(gate, gate.upper);
  if (gate.upper) return "at most " + gate_figure(gate, gate.upper);
  return gate.lower ? "from " + gate_figure(gate, gate.lower) : "-";
}

std::string gate_range(const GateStatus& gate) {
  const auto number = [&gate](const std::optional<double>& bound) {
    const auto text = gate_figure(gate, bound);
    return text.substr(0, text.find_first_of("% "));
  };
  if (gate.upper && gate.lower) return number(gate.lower) + " to " + number(gate.upper);
  if (gate.upper) return "at most " + number(gate.upper);
  return gate.lower ? "from " + number(gate.lower) : std::string();
}

std::optional<milliseconds> hold_left(const RolloutStatus& rollout) {
  if (!rollout.hold || !rollout.in_step) return std::nullopt;
  return std::max(*rollout.hold - *rollout.in_step, milliseconds(0));
}

std::optional<milliseconds> least_time_left(const RolloutStatus& rollout) {
  auto left = hold_left(rollout);
  if (!left || !rollout.step || !rollout.active || rollout.state == "paused") return std::nullopt;
  for (std::size_t i = *rollout.step - 1; i < rollout.plan_steps.size(); ++i) {
    if (rollout.plan_steps[i].approve) return std::nullopt;
    if (i + 1 > *rollout.step) *left += rollout.plan_steps[i].hold;
  }
  return left;
}

DrainProgress progress_of(const protocol::DrainStatus& drain) {
  const std::uint64_t left = drain.requests + drain.tunnels;
  return {left, left + drain.clean + drain.forced};
}

namespace {

std::string counted(std::uint64_t number, const char* one) {
  return std::to_string(number) + " " + one + (number == 1 ? "" : "s");
}

}  // namespace

std::string drain_text(const protocol::DrainStatus& drain) {
  std::string out = counted(drain.requests, "request");
  if (drain.tunnels > 0) out += " and " + counted(drain.tunnels, "tunnel");
  out += " left";
  if (drain.oldest)
    out += ", the oldest " + (drain.oldest_path.empty() ? "" : drain.oldest_path + " ") +
           countdown_text(*drain.oldest);
  out += drain.left ? ", closed in " + countdown_text(*drain.left) : ", no time limit";
  return drain.pace ? out + "; " + pace_words(*drain.pace) : out;
}

std::string pace_words(const protocol::PaceStatus& pace) {
  char now[32];  // 0.6, 12
  std::snprintf(now, sizeof now, "%g", pace.now < 10 ? std::round(pace.now * 10) / 10 : std::round(pace.now));
  std::string out = std::to_string(pace.left) + " leave at ";
  out += pace.slowed.empty() ? std::string(now) : std::string(now) + " of " + std::to_string(pace.asked);
  out += " a second";
  if (pace.time && pace.left > 0) out += ", " + countdown_text(*pace.time) + " more";
  return pace.slowed.empty() ? out : out + ": " + pace.slowed;
}

std::string health_counts(const protocol::PoolStatus& pool) {
  std::size_t eligible = 0, up = 0;
  for (const auto& backend : pool.backends) {
    eligible += backend.eligible;
    up += backend.eligible && backend.health == "up";
  }
  return std::to_string(eligible) + "/" + std::to_string(pool.backends.size()) +
         (up == eligible ? " up" : " ready");
}

}  // namespace sluice::screen
