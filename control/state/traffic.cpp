#include "control/state/traffic.hpp"

#include <algorithm>
#include <chrono>

#include "control/state/read_json.hpp"
#include "proxy/base/values.hpp"

namespace sluice::state {
namespace {

using route::Hold;

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

Result<Change> set_hold(const State& state, const std::string& service, std::optional<Hold> hold) {
  if (auto problem = missing_service(state, service)) return *problem;
  State next = state;
  next.service(service)->hold = std::move(hold);
  Change change = change_between(state, std::move(next));
  if (change.changed) change.undo = command_for(service, state.service(service)->hold);
  return change;
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

void add_traffic(const ServiceState& service, boost::json::object& out) {
  if (service.hold) out["hold"] = to_json(*service.hold);
}

bool read_traffic(const boost::json::value& value, ServiceState& service) {
  if (const auto* hold = field(value, "hold")) {
    service.hold = read_hold(*hold);
    if (!service.hold) return false;
  }
  return true;
}

std::vector<std::pair<std::string, std::string>> traffic_texts(const ServiceState& before,
                                                               const ServiceState& after) {
  std::vector<std::pair<std::string, std::string>> texts;
  if (before.hold != after.hold) texts.emplace_back(hold_text(before.hold), hold_text(after.hold));
  return texts;
}

void merge_traffic(ServiceState& merged, const ServiceState& runtime, std::vector<std::string>&) {
  merged.hold = runtime.hold;
}

void restore_traffic(ServiceState& service, const ServiceState& recorded) { service.hold = recorded.hold; }

std::string hold_text(const std::optional<Hold>& hold) {
  if (!hold) return "open";
  if (hold->kind == Hold::Kind::paused) return "paused " + format_duration(hold->max_hold);
  return hold->message.empty() ? "stopped" : "stopped " + sluice::quoted(hold->message);
}

}  // namespace sluice::state
