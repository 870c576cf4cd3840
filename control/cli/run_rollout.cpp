#include <unistd.h>

#include <boost/json/object.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "control/cli/print_rollout.hpp"
#include "control/cli/run.hpp"
#include "control/screen/progress.hpp"
#include "control/screen/terminal.hpp"

namespace sluice::cli {

using protocol::Exit;

namespace {

constexpr std::chrono::milliseconds kFollowInterval{500};

int exit_of(const protocol::RolloutStatus& rollout) {
  return static_cast<int>(rollout.state == "done" ? Exit::done : Exit::gate_failed);
}

// What --follow shows while it runs. On a terminal all of it, painted anew; elsewhere (a log) a line for each
// step and verdict, and one a while, so that it is seen to live; with -o json nothing before the end.
class Follower {
 public:
  Follower(Output& output, std::string service) : output_(output), service_(std::move(service)) {}

  // Not 0 when it could not be written.
  int show(const protocol::RolloutStatus& rollout) {
    if (output_.format() == Format::json) return 0;
    if (output_.can_paint())
      return output_.say(
          repainted(render_rollout(rollout, service_, output_.style()) + bar(rollout), rollout.active));
    const auto now = std::chrono::steady_clock::now();
    const auto landmark = rollout_landmark(rollout);
    if (landmark == last_ && now < quiet_until_) return 0;
    last_ = landmark;
    quiet_until_ = now + kQuiet;
    return output_.say(render_rollout_line(rollout));
  }

 private:
  static constexpr std::chrono::seconds kQuiet{10};

  // The whole rollout by the time of its steps; empty when it is over.
  std::string bar(const protocol::RolloutStatus& rollout) const {
    const auto progress = screen::rollout_progress(rollout);
    const auto paper = screen::paper_of(STDOUT_FILENO, output_.style().color);
    return progress ? screen::progress_line(*progress, paper).painted(paper) + "\n" : std::string();
  }

  // Over what it said before: up by its lines, each cleared behind its end. While more is to come long lines
  // are cut at the edge (DECAWM off), since one that wraps would be two.
  std::string repainted(const std::string& text, bool goes_on) {
    std::string out = lines_ > 0 ? "\x1b[" + std::to_string(lines_) + "A\r" : "";
    if (goes_on) out += "\x1b[?7l";
    lines_ = 0;
    for (const char c : text) {
      if (c == '\n') {
        out += "\x1b[K";
        ++lines_;
      }
      out += c;
    }
    return out + (goes_on ? "\x1b[J\x1b[?7h" : "\x1b[J");
  }

  Output& output_;
  std::string service_, last_;
  std::chrono::steady_clock::time_point quiet_until_;
  std::size_t lines_ = 0;
};

// Until it is over: 0 when it went through, 6 when it did not.
int follow(Context& context, const std::string& service) {
  Follower follower(context.output, service);
  for (;; std::this_thread::sleep_for(kFollowInterval)) {
    const auto answer = context.client.call(send(protocol::GetRollout{service}));
    if (!answer) return context.output.fail(answer.error());
    const auto rollout = protocol::answer_from<protocol::RolloutStatus>(answer->body);
    if (follower.show(rollout) != 0) return static_cast<int>(Exit::internal);
    if (rollout.active) continue;
    if (context.output.format() == Format::json && context.output.show(answer->body, "") != 0)
      return static_cast<int>(Exit::internal);
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

int run(Context& context, const RolloutStartVerb& verb) {
  auto message = verb.message;
  if (!verb.file.empty()) {
    const auto text = text_of_file(verb.file);
    if (!text) return context.output.fail(text.error());
    message.plan_text = *text;
    message.plan_file = verb.file;
  }
  const std::string service = message.service.empty() ? message.services.front().first : message.service;
  const bool follows = verb.follow && !context.line.change.dry_run;
  if (follows && context.output.format() == Format::json) {
    const auto begun = send_change(context, send(message), protocol::milliseconds(0));
    return begun ? follow(context, service) : context.output.fail(begun.error());
  }
  const int code = change(context, message);
  return code == 0 && follows ? follow(context, service) : code;
}

int run(Context& context, const RolloutActVerb& verb) { return change(context, verb.message); }

// The command line is refused before.
int run(Context& context, const RolloutVerbs& verbs) { return context.output.fail(*check(verbs)); }

int run(Context& context, const RolloutStatusVerb& verb) {
  if (verb.follow) return follow(context, verb.service);
  const auto answer = context.client.call(send(protocol::GetRollout{verb.service}));
  if (!answer) return context.output.fail(answer.error());
  return context.output.show(
      answer->body, render_rollout(protocol::answer_from<protocol::RolloutStatus>(answer->body), verb.service,
                                   context.output.style()));
}

}  // namespace sluice::cli
