#include <boost/json/object.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "control/cli/look.hpp"
#include "control/cli/print_rollout.hpp"
#include "control/cli/verbs.hpp"

namespace sluice::cli {

namespace json = boost::json;
using protocol::Exit;

namespace {

constexpr std::chrono::milliseconds kFollowInterval{500};

std::string path_of_rollout(const std::string& service) {
  return "/v1/services/" + protocol::percent_encode(service) + "/rollout";
}

int exit_of(const json::object& rollout) {
  const auto state = text_in(rollout, "state");
  return static_cast<int>(state == "done" ? Exit::done : Exit::gate_failed);
}

// A line whenever something moved, until it is over: 0 when it went through, 6 when it did not. With -o json
// only the end is shown.
int follow(Context& context, const std::string& service) {
  const bool as_json = context.output.format() == Format::json;
  for (std::string last;; std::this_thread::sleep_for(kFollowInterval)) {
    const auto answer = context.client.call({"GET", path_of_rollout(service)});
    if (!answer) return context.output.fail(answer.error());
    const auto& rollout = object_of(answer->body);
    const bool active = is_set(rollout, "active");
    const auto line = render_rollout_line(rollout);
    if (!as_json && line != last && context.output.say(line) != 0) return static_cast<int>(Exit::internal);
    last = line;
    if (active) continue;
    if (as_json && context.output.show(answer->body, "") != 0) return static_cast<int>(Exit::internal);
    return exit_of(rollout);
  }
}

Result<std::string> text_of_file(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  if (!in || text.str().empty())
    return protocol::malformed(
        "the plan " + path + " cannot be read: " + (in ? "it is empty" : std::string(std::strerror(errno))));
  return text.str();
}

}  // namespace

int rollout_start(Context& context, const RolloutStartVerb& verb) {
  auto message = verb.message;
  if (!verb.file.empty()) {
    const auto text = text_of_file(verb.file);
    if (!text) return context.output.fail(text.error());
    message.plan_text = *text;
    message.plan_file = verb.file;
  }
  Call call{"POST", path_of_rollout(message.service), to_json(message)};
  const bool follows = verb.follow && !context.line.change.dry_run;
  if (follows && context.output.format() == Format::json) {
    const auto begun = send_change(context, std::move(call), {});
    return begun ? follow(context, message.service) : context.output.fail(begun.error());
  }
  const int code = change(context, std::move(call), {}, message.service);
  return code == 0 && follows ? follow(context, message.service) : code;
}

int rollout_act(Context& context, const RolloutActVerb& verb) {
  return change(context, {"PATCH", path_of_rollout(verb.message.service), to_json(verb.message)}, {},
                verb.message.service);
}

int rollout_status(Context& context, const RolloutStatusVerb& verb) {
  if (verb.follow) return follow(context, verb.service);
  const auto answer = context.client.call({"GET", path_of_rollout(verb.service)});
  if (!answer) return context.output.fail(answer.error());
  return context.output.show(answer->body,
                             render_rollout(object_of(answer->body), verb.service, context.output.style()));
}

int confirm(Context& context, const protocol::Confirm& message) {
  return change(context, {"POST", "/v1/confirm", to_json(message)}, {},
                message.services.size() == 1 ? message.services.front() : "");
}

}  // namespace sluice::cli
