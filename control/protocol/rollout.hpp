// The verbs of rollouts: start, the acts upon one, and the look at one. See describe.hpp. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "control/protocol/describe.hpp"
#include "control/protocol/gates.hpp"

namespace sluice::protocol {

// {"to":"green","plan":"careful"} for the service of the path, or for several services that move in step
// {"services":{"api":"green","web":"green"},"plan":"careful"}. The plan is one of the configuration, or the
// text of a file, or made of steps and limits.
struct RolloutStart {
  std::string service;               // empty: `services`
  std::string to;                    // of `service`
  StringPairs services;              // service -> pool
  std::string plan;                  // a name in the configuration
  std::string plan_text, plan_file;  // YAML, and what messages call it
  Strings steps;                     // "5%", or "5%:10m" with its own hold
  std::optional<milliseconds> hold;  // of the steps without their own
  std::optional<std::uint32_t> min_requests;
  Limits limits;
  Checks checks;  // before the first step, beside those of the plan
  std::optional<milliseconds> retain;
  bool approve = false;            // every step waits for `promote`
  std::string control;             // "equal" or "pool"; empty: as the plan says
  std::optional<milliseconds> aa;  // how long the check of `control: equal` measures
  bool supersede = false;
  bool force = false;

  static constexpr Route kRoutes[] = {{"POST", "/v1/services/{service}/rollout"}, {"POST", "/v1/rollout"}};
  static void names(auto& self, auto& visit) { visit("service", self.service); }
  static void fields(auto& self, auto& visit) {
    visit("to", self.to);
    visit("services", self.services);
    visit("plan", self.plan);
    visit("plan_text", self.plan_text);
    visit("plan_file", self.plan_file);
    visit("steps", self.steps);
    visit("hold", self.hold);
    visit("min_requests", self.min_requests);
    Limits::fields(self.limits, visit);
    Checks::fields(self.checks, visit);
    visit("retain", self.retain);
    visit("approve", self.approve);
    visit("supersede", self.supersede);
    visit("force", self.force);
    visit("control", self.control);
    visit("aa", self.aa);
  }
};
std::optional<Problem> check(const RolloutStart& start);
// All services and their pools, however they were named.
StringPairs services_of(const RolloutStart& start);

// {"action":"promote","full":true}
struct RolloutAct {
  enum class Action : std::uint8_t { pause, resume, promote, abort } action = Action::pause;
  std::string service;
  std::string word;   // of the action, as it came
  bool full = false;  // promote: at once to the last step

  static constexpr Route kRoutes[] = {{"PATCH", "/v1/services/{service}/rollout"}};
  static void names(auto& self, auto& visit) { visit("service", self.service); }
  static void fields(auto& self, auto& visit) {
    visit("action", self.word);
    visit("full", self.full);
  }
};
std::optional<Problem> read(const boost::json::value& body, RolloutAct& act);
std::string to_string(RolloutAct::Action action);
std::optional<RolloutAct::Action> parse_action(std::string_view text);

// The active rollout of a service, or its last one.
struct GetRollout {
  std::string service;

  static constexpr Route kRoutes[] = {reads("GET", "/v1/services/{service}/rollout")};
  static void names(auto& self, auto& visit) { visit("service", self.service); }
};

}  // namespace sluice::protocol
