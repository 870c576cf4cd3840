#include "control/admin/read.hpp"

#include <boost/json/object.hpp>
#include <charconv>
#include <utility>

#include "proxy/base/origin.hpp"
#include "proxy/base/values.hpp"

namespace sluice::admin {

using std::chrono::milliseconds;

using protocol::malformed;
using protocol::Target;

namespace {

constexpr std::uint32_t kMostWeight = 1000;

Target target_of(const Names& names) {
  return {names[0], names[1], names.size() > 2 ? names[2] : std::string()};
}

// The body's fields over the message's defaults.
template <class Message>
Result<Message> with_body(const Call& call, Message message) {
  const auto body = body_of(call);
  if (!body) return body.error();
  if (auto problem = protocol::read(*body, message)) return *problem;
  return message;
}

Result<std::optional<milliseconds>> duration_parameter(const Call& call, std::string_view name) {
  const auto* text = query_value(call, name);
  if (!text) return std::optional<milliseconds>();
  const auto parsed = parse_duration(*text);
  if (!parsed)
    return malformed("the parameter '" + std::string(name) + "': " + parsed.error().text(),
                     std::string(name));
  return std::optional(*parsed);
}

std::optional<protocol::Problem> check_weight(std::uint32_t weight) {
  if (weight <= kMostWeight) return std::nullopt;
  return malformed(
      "the field 'weight' must be at most " + std::to_string(kMostWeight) + ", not " + std::to_string(weight),
      "weight");
}

}  // namespace

Result<protocol::Split> read_split(const Call& call, const Names& names) {
  const auto body = body_of(call);
  if (!body) return body.error();
  protocol::Split split;
  split.service = names[0];
  if (auto problem = protocol::read(*body, split)) return *problem;
  if (const auto* rest = query_value(call, "rest")) split.rest = *rest;
  const auto confirm_within = duration_parameter(call, "confirm_within");
  if (!confirm_within) return confirm_within.error();
  split.confirm_within = *confirm_within;
  if (auto problem = protocol::check(split)) return *problem;
  return split;
}

Result<protocol::Cutover> read_cutover(const Call& call) {
  auto cutover = with_body(call, protocol::Cutover{});
  if (!cutover) return cutover;
  if (auto problem = protocol::check(*cutover)) return *problem;
  return cutover;
}

Result<protocol::Rollback> read_rollback(const Call& call, const Names& names) {
  if (!names.empty()) {
    const auto empty = with_body(call, protocol::NoFields{});
    if (!empty) return empty.error();
    return protocol::Rollback{{names[0]}};
  }
  auto rollback = with_body(call, protocol::Rollback{});
  if (rollback && rollback->services.empty())
    return malformed("no service given, like {\"services\":[\"api\"]}", "services");
  return rollback;
}

Result<protocol::RolloutStart> read_rollout_start(const Call& call, const Names& names) {
  protocol::RolloutStart start;
  if (!names.empty()) start.service = names[0];
  auto read = with_body(call, std::move(start));
  if (!read) return read;
  if (auto problem = protocol::check(*read)) return *problem;
  return read;
}

Result<protocol::RolloutAct> read_rollout_act(const Call& call, const Names& names) {
  protocol::RolloutAct act;
  act.service = names[0];
  auto read = with_body(call, std::move(act));
  if (!read) return read;
  const auto action = protocol::parse_action(read->word);
  if (!action) return malformed("the field 'action' must be pause, resume, promote or abort", "action");
  read->action = *action;
  if (read->full && *action != protocol::RolloutAct::Action::promote)
    return malformed("the field 'full' is for promote only", "full");
  return read;
}

Result<protocol::Confirm> read_confirm(const Call& call) {
  auto confirm = with_body(call, protocol::Confirm{});
  if (confirm && confirm->services.empty())
    return malformed("no service given, like {\"services\":[\"api\"]}", "services");
  return confirm;
}

Result<protocol::Undo> read_undo(const Call& call) { return with_body(call, protocol::Undo{}); }
Result<protocol::Redo> read_redo(const Call& call) { return with_body(call, protocol::Redo{}); }

Result<protocol::Drain> read_drain(const Call& call, const Names& names) {
  protocol::Drain drain;
  drain.target = target_of(names);
  return with_body(call, std::move(drain));
}

Result<Target> read_target(const Call& call, const Names& names) {
  const auto empty = with_body(call, protocol::NoFields{});
  if (!empty) return empty.error();
  return target_of(names);
}

Result<protocol::Weight> read_weight(const Call& call, const Names& names) {
  protocol::Weight weight;
  weight.target = target_of(names);
  auto read = with_body(call, std::move(weight));
  if (!read) return read;
  if (!read->weight) return malformed("the field 'weight' is missing, like {\"weight\":2}", "weight");
  if (auto problem = check_weight(*read->weight)) return *problem;
  return read;
}

Result<protocol::Add> read_add(const Call& call, const Names& names) {
  protocol::Add add;
  add.target = target_of(names);
  auto read = with_body(call, std::move(add));
  if (!read) return read;
  if (auto problem = check_weight(read->weight)) return *problem;
  if (read->address.empty())
    return read;  // the name is the address, or that of a backend that was removed before
  const auto address = parse_origin(read->address);
  if (!address) return malformed("the field 'address': " + address.error().text(), "address");
  return read;
}

Result<protocol::Remove> read_remove(const Call& call, const Names& names) {
  protocol::Remove remove;
  remove.target = target_of(names);
  const auto timeout = duration_parameter(call, "timeout");
  if (!timeout) return timeout.error();
  remove.timeout = timeout->value_or(remove.timeout);
  if (const auto* text = query_value(call, "websockets")) {
    const auto policy = protocol::parse_websockets(*text);
    if (!policy) return malformed("the parameter 'websockets' must be wait, spread:60s or now", "websockets");
    remove.websockets = *policy;
  }
  const auto empty = with_body(call, protocol::NoFields{});
  if (!empty) return empty.error();
  return remove;
}

Result<protocol::Wait> read_wait(const Call& call) {
  protocol::Wait wait;
  const auto* condition = query_value(call, "for");
  const auto parsed = condition ? protocol::parse_condition(*condition) : std::nullopt;
  if (!parsed) return malformed("the parameter 'for' must be healthy or drained", "for");
  wait.condition = *parsed;
  const auto* target = query_value(call, "target");
  const auto place = target ? protocol::parse_target(*target) : std::nullopt;
  if (!place)
    return malformed("the parameter 'target' must be SERVICE/POOL or SERVICE/POOL/BACKEND", "target");
  wait.target = *place;
  const auto timeout = duration_parameter(call, "timeout");
  if (!timeout) return timeout.error();
  wait.timeout = *timeout;
  return wait;
}

Result<protocol::Explain> read_explain(const Call& call) {
  auto explain = with_body(call, protocol::Explain{});
  if (explain && explain->url.empty()) return malformed("the field 'url' is missing", "url");
  return explain;
}

Result<protocol::History> read_history(const Call& call) {
  protocol::History history;
  if (const auto* service = query_value(call, "service")) history.service = *service;
  if (const auto* limit = query_value(call, "limit")) {
    const auto end = limit->data() + limit->size();
    const auto [stop, error] = std::from_chars(limit->data(), end, history.limit);
    if (error != std::errc() || stop != end)
      return malformed("the parameter 'limit' must be a whole number", "limit");
  }
  return history;
}

}  // namespace sluice::admin
