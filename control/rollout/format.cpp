#include "control/rollout/format.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>

#include "proxy/base/url.hpp"
#include "proxy/config/gate_kinds.hpp"

namespace sluice::rollout {
namespace {

double limit_of(const config::GateSpec& gate, LimitKind kind) {
  return (kind == LimitKind::max ? gate.max : gate.max_increase).value_or(0);
}

std::string limit_text(const config::GateSpec& gate, double limit) {
  if (!gate.prometheus.empty()) return number(limit);
  return quantile_of(gate.metric) ? seconds(limit) : percent(limit);
}

}  // namespace

std::string number(double value) {
  char text[32];
  const int size = std::snprintf(text, sizeof text, "%.4g", value);
  return std::string(text, static_cast<std::size_t>(size));
}

std::string percent(double fraction) { return number(fraction * 100) + " %"; }

std::string seconds(double value) {
  const double size = std::abs(value);
  if (size >= 1) return number(value) + " s";
  if (size >= 0.001 || value == 0) return number(value * 1e3) + " ms";
  return number(value * 1e6) + " us";
}

std::string count(std::uint64_t n, std::string_view thing) {
  return std::to_string(n) + " " + std::string(thing) + (n == 1 ? "" : "s");
}

std::optional<double> quantile_of(std::string_view metric) {
  unsigned digits = 0;
  if (metric.size() < 3 || metric.size() > 7 || metric[0] != 'p') return std::nullopt;
  const auto [end, error] = std::from_chars(metric.data() + 1, metric.data() + metric.size(), digits);
  if (error != std::errc() || end != metric.data() + metric.size() || digits == 0) return std::nullopt;
  return digits / std::pow(10.0, static_cast<double>(metric.size() - 1));
}

std::string unit_of(const config::GateSpec& gate) {
  if (gate.metric.empty() || is_rollback_ready(gate)) return "";
  return quantile_of(gate.metric) ? "seconds" : "rate";
}

std::string gate_name(const config::GateSpec& gate, LimitKind kind) {
  if (!gate.exec.empty()) return gate.name.empty() ? "exec " + shown_urls(gate.exec) : gate.name;
  if (!gate.http.empty()) return gate.name.empty() ? "http " + shown_url(gate.http) : gate.name;
  if (is_rollback_ready(gate)) return gate.metric;
  const std::string limit = limit_text(gate, limit_of(gate, kind));
  if (!gate.prometheus.empty()) return (gate.name.empty() ? "query" : gate.name) + " max " + limit;
  if (kind == LimitKind::max_increase) return gate.metric + " against stable max_increase " + limit;
  return gate.metric + " max " + limit;
}

}  // namespace sluice::rollout
