// What is laid over a service's shares: pause, resume, stop, flags, mirror; and preview tokens.
#include <boost/json/object.hpp>

#include "control/cli/look.hpp"
#include "control/cli/verbs.hpp"

namespace sluice::cli {

using protocol::milliseconds;

namespace {

std::string path_to(const std::string& service, const std::string& what) {
  return "/v1/services/" + protocol::percent_encode(service) + "/" + what;
}

}  // namespace

int pause(Context& context, const protocol::Pause& message) {
  std::optional<milliseconds> wait = milliseconds(0);
  if (message.wait) wait = message.timeout.count() > 0 ? std::optional(message.timeout) : std::nullopt;
  return change(context, {"POST", path_to(message.service, "pause"), to_json(message)}, {}, message.service,
                wait);
}

int resume(Context& context, const protocol::Resume& message) {
  return change(context, {"POST", path_to(message.service, "resume"), to_json(message)}, {}, message.service);
}

int stop(Context& context, const protocol::Stop& message) {
  return change(context, {"POST", path_to(message.service, "stop"), to_json(message)}, {}, message.service);
}

namespace {

int show_flags(Context& context, const std::string& name) {
  const auto answer =
      context.client.call({"GET", "/v1/flags" + (name.empty() ? "" : "/" + protocol::percent_encode(name))});
  if (!answer) return context.output.fail(answer.error());
  return context.output.show(answer->body, render_flags(answer->body, context.output.style()));
}

}  // namespace

int flag(Context& context, const FlagVerb& verb) {
  const auto& message = verb.message;
  if (verb.action == "list" || verb.action == "show") return show_flags(context, message.flag);
  const std::string path = "/v1/flags/" + protocol::percent_encode(message.flag);
  if (verb.action == "set")
    return change(context, {"PUT", path, to_json(message)}, {}, "flag " + message.flag);
  protocol::Query query;
  if (!message.service.empty()) query.emplace_back("service", message.service);
  return change(context, {"DELETE", path}, std::move(query), "flag " + message.flag);
}

int mirror(Context& context, const protocol::SetMirror& message) {
  const auto path = path_to(message.service, "mirror");
  if (message.to.empty()) return change(context, {"DELETE", path}, {}, message.service);
  return change(context, {"PUT", path, to_json(message)}, {}, message.service);
}

int preview(Context& context, const protocol::MintPreview& message) {
  protocol::Query query;
  if (!context.line.change.reason.empty()) query.emplace_back("reason", context.line.change.reason);
  const auto answer = context.client.call(
      {"POST", path_of(message.target) + "/preview" + protocol::query_text(query), to_json(message)});
  if (!answer) return context.output.fail(answer.error());
  const auto& minted = object_of(answer->body);
  const int shown = context.output.show(answer->body, text_in(minted, "header") + "\n");
  context.output.note("note: leads to " + to_string(message.target) + " until " + text_in(minted, "expires") +
                      "; in a browser: cookie sluice_preview with the same value\n");
  return shown;
}

}  // namespace sluice::cli
