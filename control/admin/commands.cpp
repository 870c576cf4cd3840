#include "control/admin/commands.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>

#include "control/admin/config_json.hpp"
#include "control/admin/explain.hpp"
#include "control/admin/guard.hpp"
#include "control/admin/read.hpp"
#include "control/admin/read_traffic.hpp"
#include "control/admin/rollout_json.hpp"
#include "control/admin/status.hpp"
#include "proxy/base/values.hpp"
#include "proxy/config/dump.hpp"

namespace sluice::admin {

namespace json = boost::json;
namespace asio = boost::asio;
using change::Control;

namespace {

std::vector<std::string> names_of(const protocol::Query& query) {
  std::vector<std::string> names;
  for (const auto& [name, value] : query) names.push_back(name);
  return names;
}

// What is answered while the daemon starts. All else waits until it has, which is soon.
bool only_looks(Endpoint endpoint) {
  constexpr std::array kLooks = {Endpoint::status,  Endpoint::history, Endpoint::events, Endpoint::config,
                                 Endpoint::metrics, Endpoint::livez,   Endpoint::readyz, Endpoint::root};
  return std::find(kLooks.begin(), kLooks.end(), endpoint) != kLooks.end();
}

Reply mismatch_reply(const Mismatch& mismatch) {
  auto reply = problem_reply(mismatch.problem);
  if (!mismatch.allow.empty()) reply.headers.emplace_back("Allow", mismatch.allow);
  return reply;
}

}  // namespace

asio::awaitable<Reply> Commands::run(Call call) {
  auto matched = match(call.method, call.path, names_of(call.query));
  Reply reply;
  auto may_not = matched ? check_role(call.actor.role, matched->needs) : std::nullopt;
  if (may_not) {
    control_.turned_away(call.actor, call.method + " " + call.path, may_not->detail);
    reply = problem_reply(*may_not);
  } else if (matched) {
    try {
      if (!only_looks(matched->endpoint)) co_await control_.started();
      reply = co_await dispatch(std::move(call), std::move(*matched));
    } catch (const std::exception& error) {
      reply = problem_reply(protocol::internal(error.what()));
    }
  } else {
    reply = mismatch_reply(matched.error());
  }
  reply.headers.emplace_back("ETag", "\"" + std::to_string(control_.generation()) + "\"");
  co_return reply;
}

asio::awaitable<Reply> Commands::dispatch(Call call, Match match) {
  const auto& names = match.names;
  switch (match.endpoint) {
    case Endpoint::status:
      co_return co_await status(std::move(call));
    case Endpoint::split:
      co_return co_await change(call, read_split(call, names), &Control::split);
    case Endpoint::cutover:
      co_return co_await change(call, read_cutover(call), &Control::cutover);
    case Endpoint::rollback:
    case Endpoint::rollback_service:
      co_return co_await change(call, read_rollback(call, names), &Control::rollback);
    case Endpoint::undo:
      co_return co_await change(call, read_undo(call), &Control::undo);
    case Endpoint::redo:
      co_return co_await change(call, read_redo(call), &Control::redo);
    case Endpoint::drain:
      co_return co_await change(call, read_drain(call, names), &Control::drain);
    case Endpoint::ready:
      co_return co_await change(call, read_target(call, names), &Control::ready);
    case Endpoint::maint:
      co_return co_await change(call, read_target(call, names), &Control::maint);
    case Endpoint::put_backend:
      co_return co_await change(call, read_add(call, names), &Control::add);
    case Endpoint::patch_backend:
      co_return co_await change(call, read_weight(call, names), &Control::weight);
    case Endpoint::delete_backend:
      co_return co_await change(call, read_remove(call, names), &Control::remove);
    case Endpoint::pause:
      co_return co_await change(call, read_pause(call, names), &Control::pause);
    case Endpoint::resume:
      co_return co_await change(call, read_resume(call, names), &Control::resume);
    case Endpoint::stop:
      co_return co_await change(call, read_stop(call, names), &Control::stop);
    case Endpoint::put_mirror:
      co_return co_await change(call, read_mirror(call, names), &Control::mirror);
    case Endpoint::delete_mirror:
      co_return co_await change(call, read_mirror_off(call, names), &Control::mirror);
    case Endpoint::put_flag:
      co_return co_await change(call, read_flag(call, names), &Control::set_flag);
    case Endpoint::delete_flag:
      co_return co_await change(call, read_flag_removal(call, names), &Control::remove_flag);
    case Endpoint::flags:
      co_return json_reply(json::object{{"flags", control_.flags()}});
    case Endpoint::flag:
      co_return flag(names[0]);
    case Endpoint::preview:
      co_return co_await preview(std::move(call), names);
    case Endpoint::reload:
      co_return co_await reload(std::move(call));
    case Endpoint::rollout_get:
      co_return rollout(names);
    case Endpoint::rollout_start:
      co_return co_await change(call, read_rollout_start(call, names), &Control::rollout_start);
    case Endpoint::rollout_act:
      co_return co_await change(call, read_rollout_act(call, names), &Control::rollout_act);
    case Endpoint::confirm:
      co_return co_await change(call, read_confirm(call), &Control::confirm);
    case Endpoint::wait:
      co_return co_await wait(std::move(call));
    case Endpoint::explain:
      co_return explain(call);
    case Endpoint::history:
      co_return history(call);
    case Endpoint::events:
      co_return events(call);
    case Endpoint::config:
      co_return config(call);
    case Endpoint::metrics: {
      auto reply = text_reply(scraper_.scrape(control_));
      reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
      co_return reply;
    }
    case Endpoint::livez:
      co_return text_reply("ok\n");
    case Endpoint::readyz:
      co_return readyz();
    case Endpoint::root:
      co_return text_reply("sluice\n\n" + endpoint_list());
  }
  co_return problem_reply(protocol::internal("an endpoint without a function"));
}

// A body's own `force` counts as well as the parameter.
template <class Message>
void merge_force(const Message&, change::Request&) {}
void merge_force(const protocol::Cutover& cutover, change::Request& request) {
  request.options.force |= cutover.force;
}

void merge_force(const protocol::RolloutStart& start, change::Request& request) {
  request.options.force |= start.force;
}

template <class Message>
asio::awaitable<Reply> Commands::change(
    Call call, Result<Message> message,
    asio::awaitable<Result<protocol::Changed>> (Control::*verb)(change::Request, Message)) {
  auto request = request_of(call);
  if (!request) co_return problem_reply(request.error());
  if (!message) co_return problem_reply(message.error());
  merge_force(*message, *request);
  auto work = (control_.*verb)(std::move(*request), std::move(*message));
  const auto changed = co_await std::move(work);
  if (!changed) co_return problem_reply(changed.error());
  co_return json_reply(to_json(*changed));
}

asio::awaitable<Reply> Commands::reload(Call call) {
  auto request = request_of(call);
  if (!request) co_return problem_reply(request.error());
  auto work = control_.reload(std::move(*request));
  const auto changed = co_await std::move(work);
  if (!changed) co_return problem_reply(changed.error());
  co_return json_reply(to_json(*changed));
}

asio::awaitable<Reply> Commands::status(Call call) {
  auto view = co_await control_.status();
  if (const auto* service = query_value(call, "service"))
    if (auto problem = keep_only(view, *service)) co_return problem_reply(*problem);
  co_return json_reply(to_json(view));
}

asio::awaitable<Reply> Commands::wait(Call call) {
  auto message = read_wait(call);
  if (!message) co_return problem_reply(message.error());
  const auto condition = message->condition;
  auto work = control_.wait(std::move(*message));
  const auto waited = co_await std::move(work);
  if (!waited) co_return problem_reply(waited.error());
  json::object out{{"target", to_string(waited->target)},
                   {"condition", to_string(condition)},
                   {"took_ms", waited->took.count()}};
  if (waited->drained) out["drained"] = to_json(*waited->drained);
  co_return json_reply(out);
}

Reply Commands::rollout(const std::vector<std::string>& names) const {
  const auto view = control_.rollout(names.front());
  return view ? json_reply(to_json(*view)) : problem_reply(view.error());
}

asio::awaitable<Reply> Commands::preview(Call call, std::vector<std::string> names) {
  auto request = request_of(call);
  if (!request) co_return problem_reply(request.error());
  auto message = read_preview(call, names);
  if (!message) co_return problem_reply(message.error());
  auto work = control_.preview(std::move(*request), std::move(*message));
  const auto token = co_await std::move(work);
  if (!token) co_return problem_reply(token.error());
  co_return json_reply(to_json(*token));
}

Reply Commands::flag(const std::string& name) const {
  const auto flags = control_.flags();
  if (const auto* found = flags.if_contains(name))
    return json_reply(json::object{{"flag", name}, {"services", *found}});
  std::vector<std::string> known;
  for (const auto& [other, services] : flags) known.emplace_back(other);
  return problem_reply(
      protocol::not_found("there is no flag " + quoted(name), protocol::did_you_mean(name, known)));
}

Reply Commands::explain(const Call& call) const {
  const auto message = read_explain(call);
  if (!message) return problem_reply(message.error());
  const auto explained = admin::explain(*control_.snapshot(), *message);
  return explained ? json_reply(*explained) : problem_reply(explained.error());
}

Reply Commands::history(const Call& call) const {
  const auto message = read_history(call);
  if (!message) return problem_reply(message.error());
  const auto found = control_.history(message->service, message->limit);
  if (found.empty())
    if (auto problem = control_.missing_service(message->service)) return problem_reply(*problem);
  json::array entries;
  for (const auto& entry : found)
    entries.push_back({{"generation", entry.generation},
                       {"time", time_text(entry.time)},
                       {"actor", entry.actor},
                       {"verb", entry.verb},
                       {"services", json::array(entry.services.begin(), entry.services.end())},
                       {"change", entry.change},
                       {"reason", entry.reason}});
  return json_reply(json::object{{"history", std::move(entries)}});
}

Reply Commands::events(const Call& call) const {
  Reply reply;
  reply.stream.emplace();
  if (const auto* service = query_value(call, "service")) {
    if (auto problem = control_.missing_service(*service)) return problem_reply(*problem);
    reply.stream->service = *service;
  }
  if (query_value(call, "follow")) {
    const auto follow = query_flag(call, "follow");
    if (!follow) return problem_reply(follow.error());
    reply.stream->follow = *follow;
  }
  if (call.last_event_id.empty()) return reply;
  const auto* end = call.last_event_id.data() + call.last_event_id.size();
  const auto [stop, error] = std::from_chars(call.last_event_id.data(), end, reply.stream->after);
  if (error != std::errc() || stop != end)
    return problem_reply(protocol::malformed("Last-Event-ID must be a number", "Last-Event-ID"));
  return reply;
}

Reply Commands::config(const Call& call) const {
  const auto yaml = config::to_yaml(control_.effective_spec());
  const auto* format = query_value(call, "format");
  if (format && *format == "json") return json_reply(json_from_yaml(yaml));
  if (format && *format != "yaml")
    return problem_reply(protocol::malformed("the parameter 'format' must be yaml or json", "format"));
  auto reply = text_reply(yaml);
  reply.content_type = "application/yaml";
  return reply;
}

Reply Commands::readyz() const {
  const auto readiness = control_.readiness();
  auto reply = text_reply(readiness.ready ? "ready\n" : readiness.why + "\n");
  if (!readiness.ready) reply.status = 503;
  return reply;
}

}  // namespace sluice::admin
