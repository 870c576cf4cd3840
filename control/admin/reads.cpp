#include "control/admin/reads.hpp"

#include <boost/json/object.hpp>

#include "control/admin/config_json.hpp"
#include "control/admin/explain.hpp"
#include "proxy/base/values.hpp"
#include "proxy/config/dump.hpp"

namespace sluice::admin {

namespace json = boost::json;
namespace asio = boost::asio;
using change::Control;

asio::awaitable<Reply> status(Control& control, protocol::GetStatus message) {
  if (auto problem = control.views().missing_service(message.service)) co_return problem_reply(*problem);
  const auto status = co_await control.status(std::move(message.service));
  co_return json_reply(answer_json(status));
}

asio::awaitable<Reply> wait(Control& control, protocol::Wait message) {
  const auto condition = message.condition;
  auto work = control.wait(std::move(message));
  auto waited = co_await std::move(work);
  if (!waited) co_return problem_reply(waited.error());
  waited->condition = condition;
  co_return json_reply(answer_json(*waited));
}

Reply rollout(const Control& control, const protocol::GetRollout& message) {
  const auto status = control.views().rollout(message.service);
  return status ? json_reply(answer_json(*status)) : problem_reply(status.error());
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
  return explained ? json_reply(answer_json(*explained)) : problem_reply(explained.error());
}

Reply history(const Control& control, const protocol::History& message) {
  const protocol::HistoryList list{control.views().history(message.service, message.limit)};
  if (list.history.empty())
    if (auto problem = control.views().missing_service(message.service)) return problem_reply(*problem);
  return json_reply(answer_json(list));
}

asio::awaitable<Reply> verify_audit(Control& control, protocol::VerifyAudit) {
  const auto verified = co_await control.verify_audit();
  co_return verified ? json_reply(answer_json(*verified)) : problem_reply(verified.error());
}

Reply report(const Control& control, const protocol::GetReport& message) {
  const auto document = control.report(message);
  if (!document) return problem_reply(document.error());
  auto reply = text_reply(*document);
  if (message.format == "json") reply.content_type = "application/json";
  if (message.format == "html") reply.content_type = "text/html; charset=utf-8";
  if (message.format == "md") reply.content_type = "text/markdown; charset=utf-8";
  return reply;
}

Reply events(const Control& control, const protocol::Events& message) {
  if (auto problem = control.views().missing_service(message.service)) return problem_reply(*problem);
  Reply reply;
  reply.stream = EventStream{message.after.value_or(0), message.follow, message.samples, message.service};
  return reply;
}

Reply samples(const Control& control, const protocol::GetSamples& message) {
  if (auto problem = control.views().missing_service(message.service)) return problem_reply(*problem);
  return json_reply(to_json(control.samples().history(message.service)));
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
