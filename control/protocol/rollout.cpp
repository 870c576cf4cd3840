#include "control/protocol/rollout.hpp"

#include "control/protocol/twice.hpp"
#include "proxy/base/values.hpp"

namespace sluice::protocol {

namespace {

std::optional<Problem> check_services(const RolloutStart& start) {
  if (!start.service.empty() && !start.services.empty())
    return malformed("'services' is for POST /v1/rollout, here the path names the service", "services");
  if (!start.service.empty()) {
    if (start.to.empty()) return malformed("the pool that is to get the traffic is missing", "to");
    return std::nullopt;
  }
  if (!start.to.empty())
    return malformed("'to' needs a service in the path, here 'services' says both", "to");
  if (start.services.empty())
    return malformed("no service given, like {\"services\":{\"api\":\"green\"}}", "services");
  if (const auto service = twice(start.services))
    return malformed("the service " + quoted(*service) + " is named twice", "services");
  return std::nullopt;
}

}  // namespace

StringPairs services_of(const RolloutStart& start) {
  if (start.service.empty()) return start.services;
  return {{start.service, start.to}};
}

std::optional<Problem> check(const RolloutStart& start) {
  if (auto problem = check_services(start)) return problem;
  const int sources = !start.plan.empty() + !start.plan_text.empty() + !start.steps.empty();
  if (sources == 0)
    return malformed("a rollout needs a plan: its name, a file, or steps such as 5%,25%,100%", "plan");
  if (sources > 1) return malformed("a plan's name, a file and steps exclude each other", "plan");
  const bool more = start.hold || start.min_requests || start.retain || start.approve || start.limits.any();
  if (start.steps.empty() && more)
    return malformed("limits and holds belong to the plan; they can only be given with steps", "steps");
  return check(start.checks, !start.limits.exec.empty());
}

std::string to_string(RolloutAct::Action action) {
  switch (action) {
    case RolloutAct::Action::pause:
      return "pause";
    case RolloutAct::Action::resume:
      return "resume";
    case RolloutAct::Action::promote:
      return "promote";
    case RolloutAct::Action::abort:
      return "abort";
  }
  return "pause";
}

std::optional<RolloutAct::Action> parse_action(std::string_view text) {
  using Action = RolloutAct::Action;
  for (const Action action : {Action::pause, Action::resume, Action::promote, Action::abort})
    if (text == to_string(action)) return action;
  return std::nullopt;
}

std::optional<Problem> read(const boost::json::value& body, RolloutAct& act) {
  if (auto problem = read_fields(body, act)) return problem;
  const auto action = parse_action(act.word);
  if (!action) return malformed("the field 'action' must be pause, resume, promote or abort", "action");
  act.action = *action;
  if (act.full && act.action != RolloutAct::Action::promote)
    return malformed("the field 'full' is for promote only", "full");
  return std::nullopt;
}

}  // namespace sluice::protocol
