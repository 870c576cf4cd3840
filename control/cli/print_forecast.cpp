#include "control/cli/print_forecast.hpp"

#include <boost/json/object.hpp>
#include <cmath>
#include <cstdio>
#include <utility>

#include "proxy/base/values.hpp"

namespace sluice::cli {

using protocol::Forecast;
using protocol::ForecastGate;
using protocol::ForecastPool;
using protocol::ForecastStep;
using protocol::ForecastTimes;
using protocol::milliseconds;

namespace {

// How much worse a canary is than the limit allows, of those that a line speaks of: clearly and slightly.
constexpr double kClearly = 2, kSlightly = 1.2;

std::string three_digits(double number, const char* format = "%.3g") {
  char text[40];
  std::snprintf(text, sizeof text, number >= 1000 ? "%.0f" : format, number);
  return text;
}

// "45 s", "2.5 min", "14 min", "2.5 h".
std::string time_said(double seconds) {
  if (seconds < 1) return "1 s";
  if (seconds < 90) return three_digits(std::round(seconds)) + " s";
  if (seconds < 600) return three_digits(std::round(seconds / 6) / 10) + " min";
  if (seconds < 90 * 60) return three_digits(std::round(seconds / 60)) + " min";
  return three_digits(std::round(seconds / 360) / 10) + " h";
}

// What may be written behind --hold: rounded up to what is easily said.
std::string hold_said(double seconds) {
  const double unit = seconds < 60 ? 1 : seconds < 600 ? 60 : seconds < 7200 ? 300 : 1800;
  return duration_text(milliseconds(static_cast<std::int64_t>(std::ceil(seconds / unit) * unit * 1000)));
}

std::string value_said(const ForecastGate& gate, double value) {
  if (gate.unit == "rate") return three_digits(value * 100) + " %";
  return value < 1 ? three_digits(value * 1000) + " ms" : three_digits(value) + " s";
}

std::string times_said(const ForecastTimes& times) {
  std::string said = time_said(times.median.value_or(0)) + " (median), ";
  return said + (times.most ? time_said(*times.most) + " (95 %)" : "more than is worth waiting for (95 %)");
}

double hold_of(const ForecastStep& step) {
  return std::chrono::duration<double>(step.hold.value_or(milliseconds(0))).count();
}

// The canary that is so many times the limit; null when none was looked at.
const protocol::ForecastWorse* worse_by(const ForecastGate& gate, double times) {
  for (const auto& one : gate.worse)
    if (gate.limit > 0 && std::abs(one.value / gate.limit - times) < 0.01) return &one;
  return nullptr;
}

// "1 % -> 2 % is found in 6 min (median), 14 min (95 %)".
std::string found_said(const ForecastGate& gate, const protocol::ForecastWorse& worse,
                       const ForecastStep& step) {
  const std::string what = value_said(gate, gate.baseline) + " -> " + value_said(gate, worse.value);
  const double hold = hold_of(step);
  if (worse.found.most && *worse.found.most <= hold) return what + " is found in " + times_said(worse.found);
  const std::string advice =
      worse.found.most ? ": hold " + hold_said(*worse.found.most) + " or ask for less" : ": ask for less";
  if (worse.found.median && *worse.found.median <= hold)
    return what + " is found in " + times_said(worse.found) + ", not always within this step" + advice;
  return what + " not within this step" + advice;
}

std::string passed_said(const ForecastGate& gate, const ForecastStep& step) {
  if (gate.baseline > gate.limit)
    return "the pools of today do not keep it: " + value_said(gate, gate.baseline) + " where the limit is " +
           value_said(gate, gate.limit);
  if (!gate.passed.median) return "";
  const std::string said = "one like stable passes after " + times_said(gate.passed);
  const bool late = !gate.passed.most || *gate.passed.most > hold_of(step);
  return said + (late ? ": the step lasts until it does" : "");
}

std::string gate_said(const ForecastGate& gate, const ForecastStep& step) {
  std::string said = "  " + gate.gate + ": ";
  if (!gate.why.empty()) return said + gate.why + "\n";
  std::string sentences;
  const auto add = [&sentences](const std::string& sentence) {
    if (!sentence.empty()) sentences += (sentences.empty() ? "" : ";\n    ") + sentence;
  };
  if (const auto* clearly = worse_by(gate, kClearly)) add(found_said(gate, *clearly, step));
  if (const auto* slightly = worse_by(gate, kSlightly)) add(found_said(gate, *slightly, step));
  if (gate.least) add("from " + value_said(gate, *gate.least) + " on it is found within this step");
  add(passed_said(gate, step));
  return said + (sentences.empty() ? "nothing is beyond this limit" : sentences) + "\n";
}

std::string load_said(const ForecastPool& pool) {
  std::string said =
      three_digits(pool.rate) + " req/s, " + three_digits(pool.in_flight, "%.2g") + " in flight";
  if (pool.max_in_flight > 0) said += " of " + std::to_string(pool.max_in_flight);
  return said + (pool.rate_now > 0 ? " (now " + three_digits(pool.rate_now) + " req/s)" : "");
}

std::string traffic_said(const Forecast& forecast) {
  std::string said =
      "from the last " +
      duration_text(milliseconds(static_cast<std::int64_t>(std::round(forecast.known_seconds)) * 1000)) +
      ": " + three_digits(forecast.rate) + " requests a second, " + three_digits(forecast.error_rate * 100) +
      " % errors";
  if (forecast.p95_ms) said += ", p95 " + three_digits(*forecast.p95_ms) + " ms";
  return said + "; the highest minute of " + three_digits(std::max(1.0, std::floor(forecast.hours_known))) +
         " h: " + three_digits(forecast.rate_peak) + " requests a second\n";
}

std::string steps_table(const Forecast& forecast, const Style& style) {
  Table table(
      {">STEP", ">SHARE", ">HOLD", ">USERS MOVE", ">REQUESTS MOVE", ">THEN HAS", "EACH BACKEND THEN"});
  for (std::size_t i = 0; i < forecast.steps.size(); ++i) {
    const ForecastStep& step = forecast.steps[i];
    const std::string share = format_share(step.share) + (step.mirrored ? " copies" : "");
    const std::string users = !forecast.sticky ? "no keys" : format_share(step.users_moved);
    std::vector<std::string> row{std::to_string(i + 1),
                                 share,
                                 step.hold ? duration_text(*step.hold) : "-",
                                 users,
                                 three_digits(step.requests_moved) + "/min",
                                 three_digits(step.rate) + "/s"};
    for (std::size_t pool = 0; pool < std::max<std::size_t>(1, step.pools.size()); ++pool) {
      if (pool > 0) row.assign(6, "");
      row.push_back(step.pools.empty() ? "-" : step.pools[pool].pool + ": " + load_said(step.pools[pool]));
      table.add(row);
    }
  }
  return table.render(style);
}

}  // namespace

std::string render_forecast(const Forecast& forecast, const Style& style) {
  std::string out = style.strong(forecast.name + ": what is foretold") + "\n";
  if (!forecast.why.empty()) return out + forecast.why + "\n";
  out += traffic_said(forecast) + steps_table(forecast, style);
  std::string problem;
  for (const auto& step : forecast.steps)
    for (const auto& pool : step.pools)
      if (!pool.problem.empty() && pool.problem != std::exchange(problem, pool.problem))
        out += style.busy("mind") + ": " + pool.pool + " at " + format_share(step.share) + ": " +
               pool.problem + "\n";
  for (std::size_t i = 0; i < forecast.steps.size(); ++i) {
    const ForecastStep& step = forecast.steps[i];
    if (!step.hold || !step.enough) continue;
    out += "step " + std::to_string(i + 1) + ", " + three_digits(step.rate) +
           " requests a second on the canary, held " + duration_text(*step.hold) + ":\n";
    for (const auto& gate : step.gates) out += gate_said(gate, step);
    if (step.gates.empty()) out += "  no gate counts anything in it\n";
    if (*step.enough > hold_of(step))
      out += "  min_requests are seen after " + time_said(*step.enough) + ": the step lasts until then\n";
    if (step.broken)
      out += "  a canary that fails everything is stopped within " + time_said(*step.broken) + "\n";
  }
  return out;
}

std::string render_forecasts(const boost::json::value& by_service, const Style& style) {
  std::string out;
  if (!by_service.is_object()) return out;
  for (const auto& [service, value] : by_service.get_object()) {
    auto forecast = protocol::answer_from<Forecast>(value);
    forecast.name = service;
    out += render_forecast(forecast, style);
  }
  return out;
}

}  // namespace sluice::cli
