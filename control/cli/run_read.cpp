#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <chrono>
#include <thread>

#include "control/cli/chosen_status.hpp"
#include "control/cli/run.hpp"
#include "control/cli/select_status.hpp"

namespace sluice::cli {

namespace json = boost::json;

namespace {

constexpr std::chrono::seconds kLook{1};

// One that was asked for with its backends, few as tables, many as a line each.
std::string status_text(const protocol::Status& status, const StatusVerb& verb, const Style& style) {
  const auto& services = status.services;
  const bool one = services.size() == 1 && !verb.pattern.empty();
  if (verb.brief || services.size() > kMostTables) return render_brief(status, style);
  return render_status(status, one ? services.front().name : std::string(), style);
}

// Not on a terminal, until the daemon goes away or the operator interrupts: a line when something other than
// a counter moved.
int watch(Context& context, const StatusVerb& verb) {
  auto& output = context.output;
  for (std::string last;; std::this_thread::sleep_for(kLook)) {
    const auto chosen = chosen_status(context.client, verb.pattern, verb.sort);
    if (!chosen) return output.fail(chosen.error());
    const auto lines = render_state_lines(chosen->status, "");
    if (lines == last) continue;
    last = lines;
    if (const int failed = output.show(chosen->document, lines)) return failed;
  }
}

}  // namespace

int run(Context& context, const StatusVerb& verb) {
  if (verb.watch && context.output.can_paint())
    return watch_on_terminal(context, {verb.pattern, verb.sort}, verb.brief);
  if (verb.watch) return watch(context, verb);
  const auto chosen = chosen_status(context.client, verb.pattern, verb.sort);
  if (!chosen) return context.output.fail(chosen.error());
  return context.output.show(chosen->document, status_text(chosen->status, verb, context.output.style()));
}

int run(Context& context, const protocol::Explain& message) {
  const auto answer = context.client.call(send(message));
  if (!answer) return context.output.fail(answer.error());
  return context.output.show(
      answer->body,
      render_explain(protocol::answer_from<protocol::Explained>(answer->body), context.output.style()));
}

int run(Context& context, const protocol::Events& message) {
  auto& output = context.output;
  int shown = 0;
  const auto show = [&](const std::string& data) {
    json::error_code failed;
    const auto event = json::parse(data, failed);
    if (!failed) shown = output.show(event, render_event(protocol::answer_from<protocol::Event>(event)));
    return shown == 0;
  };
  const auto problem = context.client.events(message, show);
  return problem ? output.fail(*problem) : shown;
}

int run(Context& context, const protocol::GetReady& message) {
  Call call = send(message);
  call.any_status = true;
  const auto answer = context.client.call(call);
  if (!answer) return context.output.fail(answer.error());
  const std::string why = answer->text.substr(0, answer->text.find('\n'));
  if (answer->status == 200)
    return context.output.show(json::object{{"ready", true}, {"why", why}}, why + "\n");
  return context.output.fail(
      {answer->status, protocol::Exit::refused, "not ready", "the daemon is " + why, {}, {}});
}

int run(Context& context, const ConfigShowVerb&) {
  const bool as_json = context.output.format() == Format::json;
  const auto answer = context.client.call(send(protocol::GetConfig{as_json ? "json" : "yaml"}));
  if (!answer) return context.output.fail(answer.error());
  return context.output.show(answer->body, answer->text);
}

}  // namespace sluice::cli
