#include "control/admin/looks.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "control/admin/config_json.hpp"
#include "control/admin/explain.hpp"
#include "control/admin/rollout_json.hpp"
#include "control/admin/status.hpp"
#include "proxy/base/values.hpp"
#include "proxy/config/dump.hpp"

namespace sluice::admin {

namespace json = boost::json;
namespace asio = boost::asio;
using change::Control;

asio::awaitable<Reply> status(Control& control, protocol::GetStatus message) {
  auto view = co_await control.status();
  if (!message.service.empty())
    if (auto problem = keep_only(view, message.service)) co_return problem_reply(*problem);
  co_return json_reply(to_json(view));
}

asio::awaitable<Reply> wait(Control& control, protocol::Wait message) {
  const auto condition = message.condition;
  auto work = control.wait(std::move(message));
  const auto waited = co_await std::move(work);
  if (!waited) co_return problem_reply(waited.error());
  json::object out{{"target", to_string(waited->target)},
                   {"condition", to_string(condition)},
                   {"took_ms", waited->took.count()}};
  if (waited->drained) out["drained"] = to_json(*waited->drained);
  co_return json_reply(out);
}

Reply rollout(const Control& control, const protocol::GetRollout& message) {
  const auto view = control.views().rollout(message.service);
  return view ? json_reply(to_json(*view)) : problem_reply(view.error());
}

Reply list_flags(const Control& control, const protocol::ListFlags&) {
  return json_reply(json::object{{"flags", control.views().flags()}});
}

Reply flag(const Control& control, const protocol::GetFlag& message) {
  const auto flags = control.views().flags();
  if (const auto* found = flags.if_contains(message.flag))
    return json_reply(json::object{{"flag", message.flag}, {"services", *found}});
  std::vector<std::string> known;
  for (const auto& [other, services] : flags) known.emplace_back(other);
  return problem_reply(protocol::not_found("there is no flag " + quoted(message.flag),
                                           protocol::did_you_mean(message.flag, known)));
}

Reply explain(const Control& control, const protocol::Explain& message) {
  const auto explained = explain(*control.snapshot(), message);
  return explained ? json_reply(*explained) : problem_reply(explained.error());
}

Reply history(const Control& control, const protocol::History& message) {
  const auto found = control.views().history(message.service, message.limit);
  if (found.empty())
    if (auto problem = control.views().missing_service(message.service)) return problem_reply(*problem);
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

Reply events(const Control& control, const protocol::Events& message) {
  if (auto problem = control.views().missing_service(message.service)) return problem_reply(*problem);
  Reply reply;
  reply.stream = EventStream{message.after.value_or(0), message.follow, message.service};
  return reply;
}

Reply config(const Control& control, const protocol::GetConfig& message) {
  const auto yaml = config::to_yaml(control.views().effective_spec());
  if (message.format == "json") return json_reply(json_from_yaml(yaml));
  auto reply = text_reply(yaml);
  reply.content_type = "application/yaml";
  return reply;
}

Reply readyz(const Control& control, const protocol::GetReady&) {
  const auto readiness = control.readiness();
  auto reply = text_reply(readiness.ready ? "ready\n" : readiness.why + "\n");
  if (!readiness.ready) reply.status = 503;
  return reply;
}

}  // namespace sluice::admin
