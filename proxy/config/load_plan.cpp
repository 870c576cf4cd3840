// A rollout's plan: its steps and its gates. Their limits are read by the kind of the gate, which may stand
// behind them.
#include <algorithm>

#include "proxy/base/suggest.hpp"
#include "proxy/config/readers.hpp"

namespace sluice::config {
namespace {

// What a gate judges by; one key of the same name says which.
struct GateKind {
  std::string key;
  std::vector<std::string> takes;  // beside its own key
  std::vector<std::string> needs;
};

const std::vector<GateKind> kGateKinds = {
    {"metric", {"against", "max", "warn", "max_increase"}, {}},
    {"prometheus",
     {"name", "query", "max", "warn", "on_empty", "timeout", "min_age", "ca", "basic_auth", "bearer_file"},
     {"query", "max"}},
    {"exec", {"name", "timeout"}, {}},
    {"http", {"name", "timeout", "ca", "basic_auth", "bearer_file"}, {}},
};

bool is_latency(const std::string& metric) { return metric.starts_with('p'); }

// Rates as fractions, latencies in seconds, a query's answer as it is.
void read_limit(const Value& value, const GateSpec& gate, std::optional<double>& into) {
  Share share = 0;
  milliseconds duration{0};
  double number = 0;
  if (!gate.prometheus.empty()) {
    if (value.number(number)) into = number;
  } else if (is_latency(gate.metric)) {
    if (value.duration(duration)) into = std::chrono::duration<double>(duration).count();
  } else if (value.share(share)) {
    into = static_cast<double>(share) / kWhole;
  }
}

// The one kind whose key is there; nullptr, with a complaint, when there is none or more than one.
const GateKind* kind_of(const Value& value, const Places& places) {
  const GateKind* found = nullptr;
  for (const auto& kind : kGateKinds) {
    if (!places.keys.contains(kind.key)) continue;
    if (found) {
      value.complaints().add(places.of_key(kind.key, value.place()),
                             "a gate has one of metric, prometheus, exec and http, here are '" + found->key +
                                 "' and '" + kind.key + "'");
      return nullptr;
    }
    found = &kind;
  }
  if (!found && places.unread.empty())
    value.complain("a gate needs one of the keys metric, prometheus, exec and http");
  return found;
}

bool takes(const GateKind& kind, const std::string& key) {
  return key == kind.key || std::find(kind.takes.begin(), kind.takes.end(), key) != kind.takes.end();
}

void check_keys_fit(const Value& value, const GateKind& kind, const Places& places) {
  for (const auto& [key, place] : places.keys) {
    if (!takes(kind, key))
      value.complaints().add(place, "'" + key + "' has no meaning in a gate of '" + kind.key + "'");
  }
  for (const auto& key : kind.needs)
    if (!places.keys.contains(key) && !places.unread.contains(key))
      value.complain("a gate of '" + kind.key + "' needs the key '" + key + "'");
}

void check_metric_limits(const Value& value, const Places& places) {
  const auto there = [&](const char* key) {
    return places.keys.contains(key) || places.unread.contains(key);
  };
  if (there("against") && !there("max_increase"))
    value.complain("a gate against stable needs the key 'max_increase', how much worse it may be");
  if (there("max_increase") && !there("against"))
    value.complaints().add(places.of_key("max_increase", value.place()),
                           "'max_increase' needs 'against: stable' beside it");
  if (!there("against") && !there("max_increase") && !there("max"))
    value.complain("a gate of 'metric' needs the key 'max', the limit it fails above");
}

void read_basic_auth(const Value& value, GateSpec& gate) {
  value.keys({
      {"user", [&](const Value& v) { v.checked(gate.reach.user, user_error); }, kRequired},
      {"password_file",
       [&](const Value& v) {
         v.file_name(gate.reach.password_file);
         gate.places.values["password_file"] = v.place();
       },
       kRequired},
  });
}

void read_gate(const Value& value, GateSpec& gate) {
  gate.place = value.place();
  Places& places = gate.places;
  struct Limit {
    std::string key;
    Value value;
    std::optional<double>* into;
  };
  std::vector<Limit> limits;
  const auto later = [&limits](std::string key, std::optional<double>* into) {
    return Field{key, [&limits, key, into](const Value& v) { limits.push_back({key, v, into}); }};
  };
  static const std::vector<std::pair<std::string, std::string>> kMetrics = {
      {"error_rate", "error_rate"}, {"p50", "p50"}, {"p90", "p90"}, {"p95", "p95"}, {"p99", "p99"},
      {"saturation", "saturation"}};
  value.keys(
      {
          {"name", [&](const Value& v) { v.text(gate.name); }},
          {"metric", [&](const Value& v) { v.choice(gate.metric, kMetrics); }},
          {"against",
           [&](const Value& v) {
             v.choice<bool>(gate.against_stable, {{"stable", true}});
           }},
          later("max", &gate.max),
          later("warn", &gate.warn),
          later("max_increase", &gate.max_increase),
          {"prometheus", [&](const Value& v) { v.text(gate.prometheus); }},
          {"query", [&](const Value& v) { v.text(gate.query); }},
          {"on_empty",
           [&](const Value& v) {
             v.choice<std::string>(gate.on_empty, {{"hold", "hold"}, {"fail", "fail"}});
           }},
          {"exec", [&](const Value& v) { v.text(gate.exec); }},
          {"http", [&](const Value& v) { v.text(gate.http); }},
          {"timeout", [&](const Value& v) { v.duration(gate.timeout); }},
          {"ca", [&](const Value& v) { v.file_name(gate.reach.ca); }},
          {"basic_auth", [&](const Value& v) { read_basic_auth(v, gate); }},
          {"bearer_file", [&](const Value& v) { v.file_name(gate.reach.bearer_file); }},
          {"min_age", [&](const Value& v) { v.duration(gate.min_age, 0ms); }},
      },
      &places);
  if (!value.is_map()) return;
  const GateKind* kind = kind_of(value, places);
  if (!kind) return;
  check_keys_fit(value, *kind, places);
  if (places.unread.contains(kind->key)) return;  // of an unknown kind, limits mean nothing
  for (const Limit& limit : limits)
    if (takes(*kind, limit.key)) read_limit(limit.value, gate, *limit.into);
  if (kind->key == "metric") check_metric_limits(value, places);
  if (gate.warn && gate.max && *gate.warn >= *gate.max)
    value.complaints().add(places.of("warn", value.place()), "'warn' must be below 'max'");
}

// What a step of no share or of a mirror needs beside it is validate()'s. One that could not be read waits,
// so that it is not complained about again for doing nothing.
void read_step(const Value& value, StepSpec& step) {
  step.place = value.place();
  bool read = false, mirrors = true;
  value.keys({
      {"share", [&](const Value& v) { read = v.share(step.share); }, kRequired},
      {"hold", [&](const Value& v) { v.duration(step.hold, 0ms); }},
      {"approve", [&](const Value& v) { v.flag(step.approve); }},
      {"mirror",
       [&](const Value& v) {
         const bool understood = v.share(step.mirror);
         mirrors = understood && step.mirror > 0;
         if (understood && !mirrors) v.complain("a mirror of 0 % is none, leave it out");
       }},
  });
  if (!read || !mirrors) step.approve = true;
}

void read_steps(const Value& value, PlanSpec& plan) {
  value.each("a step", [&](const Value& element) { read_step(element, plan.steps.emplace_back()); });
  if (value.is_list() && value.empty()) value.complain("'steps' is empty, a plan has at least one");
}

void read_verify(const Value& value, VerifySpec& verify) {
  verify.place = value.place();
  Places places;
  value.keys(
      {
          {"path", [&](const Value& v) { v.checked(verify.path, target_error); }},
          {"method", [&](const Value& v) { v.checked(verify.method, method_error); }},
          {"expect", [&](const Value& v) { read_expected_status(v, verify.expect_low, verify.expect_high); }},
          {"body", [&](const Value& v) { v.text(verify.body); }},
          {"within", [&](const Value& v) { v.duration(verify.within); }},
          {"host", [&](const Value& v) { v.empty_or(verify.host, host_header_error); }},
          {"exec", [&](const Value& v) { v.text(verify.exec); }},
          {"timeout", [&](const Value& v) { v.duration(verify.timeout); }},
      },
      &places);
  if (!value.is_map()) return;
  const bool runs = places.keys.contains("exec");
  if (!runs && !places.keys.contains("path") && !places.unread.contains("path") &&
      !places.unread.contains("exec"))
    value.complain("a verify check needs the key 'path', a request, or 'exec', a command");
  for (const auto& [key, place] : places.keys)
    if (runs != (key == "exec" || key == "timeout"))
      value.complaints().add(
          place, "'" + key + "' has no meaning in a verify check of '" + (runs ? "exec" : "path") + "'");
}

}  // namespace

void read_plan(const Value& value, PlanSpec& plan) {
  plan.place = value.key_place();
  value.keys({
      {"steps", [&](const Value& v) { read_steps(v, plan); }, kRequired},
      {"min_requests", [&](const Value& v) { v.whole(plan.min_requests, 0, 1'000'000'000); }},
      {"gates",
       [&](const Value& v) {
         v.each("a gate", [&](const Value& element) { read_gate(element, plan.gates.emplace_back()); });
       }},
      {"verify",
       [&](const Value& v) {
         v.each("a verify check",
                [&](const Value& element) { read_verify(element, plan.verify.emplace_back()); });
       }},
      {"retain", [&](const Value& v) { v.duration(plan.retain, 0ms); }},
  });
}

}  // namespace sluice::config
