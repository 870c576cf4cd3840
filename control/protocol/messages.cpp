#include "control/protocol/messages.hpp"

#include <boost/json/object.hpp>
#include <set>
#include <utility>

namespace sluice::protocol {

namespace json = boost::json;

json::object to_json(const Split& split) {
  json::object body;
  for (const auto& [pool, share] : split.shares) body[pool] = format_share(share);
  return body;
}

// "5%" is a percentage, 0.05 a share.
std::optional<Share> share_from(const json::value& value, std::string& why) {
  if (value.is_string()) {
    const auto share = parse_share(std::string_view(value.get_string()));
    if (share) return *share;
    why = share.error().text();
    return std::nullopt;
  }
  json::error_code failed;
  const auto fraction = value.to_number<double>(failed);
  if (failed) {
    why = "write \"5%\" or 0.05";
    return std::nullopt;
  }
  const auto share = share_from_fraction(fraction);
  if (share) return *share;
  why = share.error().text();
  return std::nullopt;
}

std::optional<Problem> read(const json::value& body, Split& split) {
  if (!body.is_object())
    return malformed(
        "the body must be an object of pools and shares, like {\"blue\":\"95%\",\"green\":\"5%\"}");
  for (const auto& [pool, value] : body.get_object()) {
    std::string why;
    const auto share = share_from(value, why);
    if (!share) return malformed("the share of " + quoted(pool) + " is wrong: " + why, pool);
    split.shares.emplace_back(pool, *share);
  }
  return std::nullopt;
}

namespace {

// The first name that comes twice.
template <class Pairs>
std::optional<std::string> twice(const Pairs& pairs) {
  std::set<std::string> seen;
  for (const auto& [name, value] : pairs)
    if (!seen.insert(name).second) return name;
  return std::nullopt;
}

}  // namespace

std::optional<Problem> check(const Split& split) {
  if (split.shares.empty() && split.rest.empty()) return malformed("no shares given");
  if (const auto pool = twice(split.shares))
    return malformed("the pool " + quoted(*pool) + " is named twice", *pool);
  for (const auto& [pool, share] : split.shares)
    if (pool == split.rest)
      return malformed("the pool " + quoted(pool) + " cannot have a share and be the rest", "rest");
  return std::nullopt;
}

namespace {

std::optional<Problem> check(const Checks& checks, bool has_hooks) {
  for (const auto& command : checks.exec_before)
    if (command.empty()) return malformed("'exec_before' is empty, it needs a command", "exec_before");
  if (checks.exec_timeout && checks.exec_before.empty() && !has_hooks)
    return malformed("'exec_timeout' needs a command beside it", "exec_timeout");
  return std::nullopt;
}

}  // namespace

std::optional<Problem> check(const Cutover& cutover) {
  if (cutover.services.empty()) return malformed("no service given", "services");
  if (const auto service = twice(cutover.services))
    return malformed("the service " + quoted(*service) + " is named twice", "services");
  if (cutover.watch_for && cutover.confirm_within)
    return malformed("a change is watched or waits to be confirmed, not both", "confirm_within");
  if (!cutover.watch_for && (cutover.limits.any() || cutover.min_requests || cutover.supersede))
    return malformed("limits need 'watch_for' beside them, how long they are watched", "watch_for");
  return check(cutover.checks, !cutover.limits.exec.empty());
}

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

std::string to_string(Wait::Condition condition) {
  switch (condition) {
    case Wait::Condition::healthy:
      return "healthy";
    case Wait::Condition::drained:
      return "drained";
  }
  return "healthy";
}

std::optional<Wait::Condition> parse_condition(std::string_view text) {
  if (text == "healthy") return Wait::Condition::healthy;
  if (text == "drained") return Wait::Condition::drained;
  return std::nullopt;
}

json::object to_json(const Changed& changed) {
  json::object out{{"generation", changed.generation},
                   {"changed", changed.changed},
                   {"before", changed.before},
                   {"after", changed.after}};
  if (!changed.undo.empty()) out["undo"] = changed.undo;
  if (changed.dry_run) out["dry_run"] = true;
  if (!changed.durable) out["durable"] = false;
  out["took_ms"] = changed.took_ms;
  for (const auto& [key, value] : changed.more) out[key] = value;
  return out;
}

std::optional<Problem> read(const json::value& body, Changed& changed) {
  if (!body.is_object()) return internal("the daemon's answer is not a JSON object");
  for (const auto& [key, value] : body.get_object()) {
    json::error_code failed;
    if (key == "generation")
      changed.generation = value.to_number<std::uint64_t>(failed);
    else if (key == "changed" && value.is_bool())
      changed.changed = value.get_bool();
    else if (key == "dry_run" && value.is_bool())
      changed.dry_run = value.get_bool();
    else if (key == "durable" && value.is_bool())
      changed.durable = value.get_bool();
    else if (key == "before")
      changed.before = value;
    else if (key == "after")
      changed.after = value;
    else if (key == "undo" && value.is_string())
      changed.undo = value.get_string();
    else if (key == "took_ms")
      changed.took_ms = value.to_number<double>(failed);
    else
      changed.more[key] = value;
    if (failed) return internal("the daemon's answer has no number in '" + std::string(key) + "'");
  }
  return std::nullopt;
}

json::object to_json(const Drained& drained) {
  return {{"clean", drained.clean}, {"forced", drained.forced}, {"took_ms", drained.took.count()}};
}

}  // namespace sluice::protocol
