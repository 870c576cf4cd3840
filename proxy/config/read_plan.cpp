// A rollout's plan: its steps and its gates. Their limits are read by the kind of the gate, which may stand
// behind them.
#include "proxy/config/gate_kinds.hpp"
#include "proxy/config/keys.hpp"

namespace sluice::config {
namespace {

// Rates as fractions, latencies in seconds, a query's answer as it is.
void read_limit(const YamlValue& value, const GateSpec& gate, std::optional<double>& into) {
  Share share = 0;
  milliseconds duration{0};
  double number = 0;
  if (!gate.prometheus.empty()) {
    if (value.number(number)) into = number;
  } else if (is_latency(gate)) {
    if (value.duration(duration)) into = std::chrono::duration<double>(duration).count();
  } else if (value.share(share)) {
    into = static_cast<double>(share) / kWhole;
  }
}

// The one kind whose key is there; nullptr, with a complaint, when there is none or more than one.
const KindOfMap* kind_of(const YamlValue& value, const Places& places) {
  const KindOfMap* found = nullptr;
  for (const auto& kind : kGateKinds) {
    if (!places.keys.contains(std::string(kind.key))) continue;
    if (found) {
      value.complaints().add(places.of_key(std::string(kind.key), value.place()),
                             "a gate has one of metric, prometheus, exec and http, here are '" +
                                 std::string(found->key) + "' and '" + std::string(kind.key) + "'");
      return nullptr;
    }
    found = &kind;
  }
  if (!found && places.unread.empty())
    value.complain("a gate needs one of the keys metric, prometheus, exec and http");
  return found;
}

void check_keys_fit(const YamlValue& value, const KindOfMap& kind, const Places& places) {
  for (const auto& [key, place] : places.keys) {
    if (!kind.has(key))
      value.complaints().add(place,
                             "'" + key + "' has no meaning in a gate of '" + std::string(kind.key) + "'");
  }
  for (const auto key : kind.needs)
    if (!places.keys.contains(std::string(key)) && !places.unread.contains(std::string(key)))
      value.complain("a gate of '" + std::string(kind.key) + "' needs the key '" + std::string(key) + "'");
}

void refuse_limits(const YamlValue& value, const Places& places, const std::string& metric) {
  for (const std::string key : {"against", "max", "warn", "max_increase"})
    if (places.keys.contains(key))
      value.complaints().add(places.of_key(key, value.place()),
                             "'" + key + "' has no meaning for '" + metric + "'");
}

void check_metric_limits(const YamlValue& value, const Places& places) {
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

// The limits, which wait for the kind of the gate.
struct LimitReaders {
  const KeysRead& keys;
  const KindOfMap& kind;
  const GateSpec& gate;

  void operator()(const char*, const auto&...) const {}
  void operator()(const char* key, std::optional<double>& into, GateLimit) const {
    const YamlValue* value = keys.find(key);
    if (value && kind.has(key)) read_limit(*value, gate, into);
  }
};

}  // namespace

void read(const YamlValue& value, GateSpec& gate, Plain) {
  const KeysRead keys = read_keys(value, gate);
  const Places& places = gate.places;
  if (!value.is_map()) return;
  const KindOfMap* kind = kind_of(value, places);
  if (!kind) return;
  check_keys_fit(value, *kind, places);
  if (places.unread.contains(std::string(kind->key))) return;  // of an unknown kind, limits mean nothing
  if (is_rollback_ready(gate)) return refuse_limits(value, places, gate.metric);
  LimitReaders limits{keys, *kind, gate};
  GateSpec::fields(gate, limits);
  if (kind->key == "metric") check_metric_limits(value, places);
  if (gate.warn && gate.max && *gate.warn >= *gate.max)
    value.complaints().add(places.of("warn", value.place()), "'warn' must be below 'max'");
}

// What a step of no share or of a mirror needs beside it is validate()'s. One that could not be read waits,
// so that it is not complained about again for doing nothing.
void read(const YamlValue& value, StepSpec& step, Plain) {
  const KeysRead keys = read_keys(value, step);
  const bool no_mirror = keys.understood("mirror") && step.mirror == 0;
  if (no_mirror) keys.find("mirror")->complain("a mirror of 0 % is none, leave it out");
  if (!keys.understood("share") || no_mirror || (keys.find("mirror") && !keys.understood("mirror")))
    step.approve = true;
}

void read(const YamlValue& value, VerifySpec& verify, Plain) {
  const KeysRead keys = read_keys(value, verify);
  if (!value.is_map()) return;
  const bool runs = keys.find("exec") != nullptr;
  if (!runs && !keys.find("path") && !keys.complained_about("path") && !keys.complained_about("exec"))
    value.complain("a verify check needs the key 'path', a request, or 'exec', a command");
  const KindOfMap& kind = runs ? kVerifyKinds[0] : kVerifyKinds[1];
  for (const auto& one : keys)
    if (!kind.has(one.word))
      value.complaints().add(one.value.key_place(), "'" + std::string(one.word) +
                                                        "' has no meaning in a verify check of '" +
                                                        std::string(kind.key) + "'");
}

}  // namespace sluice::config
