#include "control/state/traffic.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include "control/state/read_json.hpp"
#include "proxy/base/values.hpp"

namespace sluice::state {
namespace {

using route::Flag;
using route::Hold;
using route::Mirror;

// As one shell word.
std::string shell_word(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// The command that makes a service's hold what it was.
std::string command_for(const std::string& service, const std::optional<Hold>& hold) {
  if (!hold) return "sluicectl resume " + service;
  if (hold->kind == Hold::Kind::stopped)
    return "sluicectl stop " + service +
           (hold->message.empty() ? "" : " --message " + shell_word(hold->message));
  return "sluicectl pause " + service + " --max-hold " + format_duration(hold->max_hold) +
         (hold->max_queue > 0 ? " --max-queue " + std::to_string(hold->max_queue) : "");
}

std::string command_for(const std::string& service, const std::string& name, const Flag* flag) {
  if (!flag) return "sluicectl flag rm " + name + " --service " + service;
  return "sluicectl flag set " + name + " " + format_share(flag->share) + " --service " + service +
         " --config " + shell_word(flag->config.empty() ? "null" : flag->config);
}

std::string command_for(const std::string& service, const std::optional<Mirror>& mirror) {
  if (!mirror) return "sluicectl mirror " + service + " --off";
  return "sluicectl mirror " + service + " --to " + mirror->pool + " --share " + format_share(mirror->share) +
         (mirror->safe_only ? " --safe-only" : "");
}

// What may stand in X-Feature-Flags between commas (RFC 9110 5.6.2, less what would need a shell's quotes).
bool is_flag_name(const std::string& name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  return !name.empty() && name.size() <= 64 && name.find_first_not_of(kAllowed) == std::string::npos;
}

std::string flag_text(const Flag* flag) { return flag ? format_share(flag->share) : "none"; }
std::string mirror_text(const std::optional<Mirror>& mirror) {
  if (!mirror) return "off";
  return mirror->pool + " " + format_share(mirror->share) + (mirror->safe_only ? " safe only" : "");
}

Result<Change> set_hold(const State& state, const std::string& service, std::optional<Hold> hold) {
  if (auto problem = missing_service(state, service)) return *problem;
  State next = state;
  next.service(service)->hold = std::move(hold);
  Change change = change_between(state, std::move(next));
  if (change.changed) change.undo = command_for(service, state.service(service)->hold);
  return change;
}

boost::json::object to_json(const Flag& flag) {
  return {{"name", flag.name}, {"share", flag.share}, {"config", flag.config}};
}

std::optional<Flag> read_flag(const boost::json::value& value) {
  const auto name = text_field(value, "name");
  const auto share = number_field<Share>(value, "share");
  if (!name || !is_flag_name(*name) || !share || *share > kWhole) return std::nullopt;
  return Flag{*name, *share, text_field(value, "config").value_or("")};
}

boost::json::object to_json(const Mirror& mirror) {
  return {{"pool", mirror.pool}, {"share", mirror.share}, {"safe_only", mirror.safe_only}};
}

std::optional<Mirror> read_mirror(const boost::json::value& value, const ServiceState& service) {
  const auto pool = text_field(value, "pool");
  const auto share = number_field<Share>(value, "share");
  const auto* safe_only = field(value, "safe_only");
  if (!pool || !service.pool(*pool) || !share || *share > kWhole) return std::nullopt;
  return Mirror{*pool, *share, safe_only && *safe_only == true};
}

boost::json::object to_json(const Hold& hold) {
  return {{"kind", hold.kind == Hold::Kind::paused ? "paused" : "stopped"},
          {"max_hold_ms", hold.max_hold.count()},
          {"max_queue", hold.max_queue},
          {"message", hold.message}};
}

std::optional<Hold> read_hold(const boost::json::value& value) {
  const auto kind = text_field(value, "kind");
  if (!kind || (*kind != "paused" && *kind != "stopped")) return std::nullopt;
  Hold hold;
  hold.kind = *kind == "paused" ? Hold::Kind::paused : Hold::Kind::stopped;
  hold.max_hold =
      std::chrono::milliseconds(number_field<std::uint32_t>(value, "max_hold_ms").value_or(30'000));
  hold.max_queue = number_field<std::uint32_t>(value, "max_queue").value_or(0);
  hold.message = text_field(value, "message").value_or("");
  return hold;
}

}  // namespace

Result<Change> pause(const State& state, const std::string& service, std::chrono::milliseconds max_hold,
                     std::uint32_t max_queue) {
  if (max_hold.count() <= 0)
    return protocol::malformed("a request has to be held for some time: --max-hold 30s", "max_hold");
  Hold hold;
  hold.max_hold = max_hold;
  hold.max_queue = max_queue;
  return set_hold(state, service, hold);
}

Result<Change> stop(const State& state, const std::string& service, const std::string& message) {
  if (message.size() > kLongestMessage)
    return protocol::malformed("the message has " + std::to_string(message.size()) + " bytes, at most " +
                                   std::to_string(kLongestMessage) + " are answered",
                               "message");
  Hold hold;
  hold.kind = Hold::Kind::stopped;
  hold.message = message;
  return set_hold(state, service, hold);
}

Result<Change> resume(const State& state, const std::string& service) {
  return set_hold(state, service, std::nullopt);
}

Result<Change> set_flag(const State& state, const std::string& service, const std::string& name, Share share,
                        const std::optional<std::string>& config) {
  if (auto problem = missing_service(state, service)) return *problem;
  if (!is_flag_name(name))
    return protocol::malformed(
        sluice::quoted(name) + " is no name for a flag: 1 to 64 letters, digits, - _ .", "flag");
  if (config && config->size() > kLongestConfig)
    return protocol::malformed("the config has " + std::to_string(config->size()) + " bytes, at most " +
                                   std::to_string(kLongestConfig) + " are kept",
                               "config");
  State next = state;
  ServiceState& changed = *next.service(service);
  const Flag* was = changed.flag(name);
  if (!was && changed.flags.size() >= kMostFlags)
    return protocol::refused("service '" + service + "' has " + std::to_string(kMostFlags) +
                                 " flags, and all of them travel with each request",
                             "sluicectl flag list shows them, sluicectl flag rm " +
                                 changed.flags.front().name + " --service " + service + " takes one away");
  changed.put(Flag{name, share, config ? *config : was ? was->config : std::string()});
  Change change = change_between(state, std::move(next));
  if (change.changed) change.undo = command_for(service, name, state.service(service)->flag(name));
  return change;
}

Result<Change> remove_flag(const State& state, const std::string& name, const std::string& service) {
  if (!service.empty())
    if (auto problem = missing_service(state, service)) return *problem;
  State next = state;
  std::vector<std::string> had;
  for (const auto& each : state.services)
    if ((service.empty() || each.name == service) && each.flag(name)) had.push_back(each.name);
  for (const auto& each : had)
    std::erase_if(next.service(each)->flags, [&](const Flag& flag) { return flag.name == name; });
  if (had.empty()) {
    if (auto problem = missing_flag(state, name)) return *problem;
    return protocol::not_found("service '" + service + "' has no flag " + sluice::quoted(name));
  }
  Change change = change_between(state, std::move(next));
  change.undo = had.size() == 1 ? command_for(had[0], name, state.service(had[0])->flag(name))
                                : "sluicectl undo --to-generation " + std::to_string(state.generation);
  return change;
}

std::optional<protocol::Problem> missing_flag(const State& state, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& service : state.services)
    for (const auto& flag : service.flags) known.push_back(flag.name);
  if (std::find(known.begin(), known.end(), name) != known.end()) return std::nullopt;
  return protocol::not_found("there is no flag " + sluice::quoted(name), protocol::did_you_mean(name, known));
}

Result<Change> set_mirror(const State& state, const std::string& service,
                          const std::optional<Mirror>& mirror) {
  if (auto problem = missing_service(state, service)) return *problem;
  if (mirror)
    if (auto problem = missing(state, {service, mirror->pool, {}})) return *problem;
  if (mirror && mirror->share == 0)
    return protocol::malformed("a mirror of 0% is none: sluicectl mirror " + service + " --off", "share");
  State next = state;
  next.service(service)->mirror = mirror;
  Change change = change_between(state, std::move(next));
  if (change.changed) change.undo = command_for(service, state.service(service)->mirror);
  return change;
}

void add_traffic(const ServiceState& service, boost::json::object& out) {
  if (service.hold) out["hold"] = to_json(*service.hold);
  if (service.mirror) out["mirror"] = to_json(*service.mirror);
  if (service.flags.empty()) return;
  boost::json::array flags;
  for (const auto& flag : service.flags) flags.push_back(to_json(flag));
  out["flags"] = std::move(flags);
}

bool read_traffic(const boost::json::value& value, ServiceState& service) {
  if (const auto* hold = field(value, "hold")) {
    service.hold = read_hold(*hold);
    if (!service.hold) return false;
  }
  if (const auto* mirror = field(value, "mirror")) {
    service.mirror = read_mirror(*mirror, service);
    if (!service.mirror) return false;
  }
  if (const auto* flags = array_field(value, "flags"))
    for (const auto& entry : *flags) {
      auto flag = read_flag(entry);
      if (!flag) return false;
      service.put(std::move(*flag));
    }
  return true;
}

std::vector<std::pair<std::string, std::string>> traffic_texts(const ServiceState& before,
                                                               const ServiceState& after) {
  std::vector<std::pair<std::string, std::string>> texts;
  if (before.hold != after.hold) texts.emplace_back(hold_text(before.hold), hold_text(after.hold));
  if (before.mirror != after.mirror)
    texts.emplace_back("mirror " + mirror_text(before.mirror), "mirror " + mirror_text(after.mirror));
  std::set<std::string> names;
  for (const auto& flag : before.flags) names.insert(flag.name);
  for (const auto& flag : after.flags) names.insert(flag.name);
  for (const auto& name : names) {
    const Flag *was = before.flag(name), *is = after.flag(name);
    if (was && is && *was == *is) continue;
    const bool only_config = was && is && was->share == is->share;
    texts.emplace_back("flag " + name + " " + flag_text(was),
                       "flag " + name + " " + flag_text(is) + (only_config ? " with another config" : ""));
  }
  return texts;
}

void merge_traffic(ServiceState& merged, const ServiceState& runtime, std::vector<std::string>& conflicts) {
  restore_traffic(merged, runtime);
  if (runtime.mirror && !merged.mirror)
    conflicts.push_back(merged.name + ": the mirror is off, its pool " + runtime.mirror->pool +
                        " is gone from the configuration");
}

// A mirror whose pool is gone is none.
void restore_traffic(ServiceState& service, const ServiceState& recorded) {
  service.hold = recorded.hold;
  service.flags = recorded.flags;
  service.mirror = recorded.mirror;
  if (service.mirror && !service.pool(service.mirror->pool)) service.mirror.reset();
}

std::string hold_text(const std::optional<Hold>& hold) {
  if (!hold) return "open";
  if (hold->kind == Hold::Kind::paused) return "paused " + duration_text(hold->max_hold);
  return hold->message.empty() ? "stopped" : "stopped " + sluice::quoted(hold->message);
}

}  // namespace sluice::state
