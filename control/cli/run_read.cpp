#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <chrono>
#include <thread>

#include "control/cli/run.hpp"
#include "control/cli/select_status.hpp"

namespace sluice::cli {

namespace json = boost::json;

namespace {

constexpr std::chrono::seconds kRepaint{1};

struct Chosen {
  json::value document;  // with the chosen services only
  protocol::Status status;
};

// The services of the document in the order of the status; those that it does not have are left out.
void keep_chosen(json::value& document, const protocol::Status& status) {
  auto* top = document.if_object();
  auto* services = top ? top->if_contains("services") : nullptr;
  if (!services || !services->is_object()) return;
  json::object kept;
  for (const auto& service : status.services)
    kept[service.name] = std::move(services->get_object()[service.name]);
  *services = std::move(kept);
}

// What the verb wants of the status. A name is the daemon's to find, who says what was meant instead.
Result<Chosen> wanted_status(Context& context, const StatusVerb& verb) {
  const bool named = !verb.pattern.empty() && !is_pattern(verb.pattern);
  auto answer = context.client.call(send(protocol::GetStatus{named ? verb.pattern : std::string()}));
  if (!answer) return answer.error();
  Chosen chosen{std::move(answer->body), {}};
  protocol::read_answer(chosen.document, chosen.status);
  if (auto problem = select_services(chosen.status, named ? "" : verb.pattern, verb.sort)) return *problem;
  keep_chosen(chosen.document, chosen.status);
  return chosen;
}

// One that was asked for with its backends, few as tables, many as a line each.
std::string status_text(const protocol::Status& status, const StatusVerb& verb, const Style& style) {
  const auto& services = status.services;
  const bool one = services.size() == 1 && !verb.pattern.empty();
  if (verb.brief || services.size() > kMostTables) return render_brief(status, style);
  return render_status(status, one ? services.front().name : std::string(), style);
}

// The screen from its top, each line cleared behind its end: no flicker, nothing of the former text stays.
std::string repainted(const std::string& text) {
  std::string out = "\x1b[H";
  for (const char c : text) {
    if (c == '\n') out += "\x1b[K";
    out += c;
  }
  return out + "\x1b[J";
}

// Until the daemon goes away or the operator interrupts. Not on a terminal: a line when something other than
// a counter moved.
int watch(Context& context, const StatusVerb& verb) {
  auto& output = context.output;
  const bool paints = output.terminal() && output.format() == Format::table;
  if (paints && output.say("\x1b[2J")) return 1;
  for (std::string last;; std::this_thread::sleep_for(kRepaint)) {
    const auto chosen = wanted_status(context, verb);
    if (!chosen) return output.fail(chosen.error());
    const auto lines = render_state_lines(chosen->status, "");
    if (!paints && lines == last) continue;
    last = lines;
    const auto text = paints ? repainted(status_text(chosen->status, verb, output.style())) : lines;
    if (const int failed = output.show(chosen->document, text)) return failed;
  }
}

}  // namespace

int run(Context& context, const StatusVerb& verb) {
  if (verb.watch) return watch(context, verb);
  const auto chosen = wanted_status(context, verb);
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

int run(Context& context, const protocol::History& message) {
  const auto answer = context.client.call(send(message));
  if (!answer) return context.output.fail(answer.error());
  return context.output.show(
      answer->body,
      render_history(protocol::answer_from<protocol::HistoryList>(answer->body), context.output.style()));
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
