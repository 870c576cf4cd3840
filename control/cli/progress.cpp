#include "control/cli/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "control/protocol/messages.hpp"
#include "control/screen/terminal.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

using namespace std::chrono_literals;
using screen::Progress;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kMoment{1000};                        // what is over by then needs no bar
constexpr milliseconds kPeriod{500};                         // of the bar
constexpr milliseconds kFirstLine{5000}, kNextLine{10'000};  // in a log

Progress unknown(std::string what, milliseconds running) {
  Progress progress;
  progress.what = std::move(what);
  progress.running = running;
  return progress;
}

// A drain, or what comes before and after one.
Watch watch_drain(protocol::Target target, std::string otherwise) {
  return [target, otherwise](const protocol::Status& status, milliseconds running) {
    auto progress = screen::drain_progress(status, target);
    return progress ? progress : std::optional(unknown(otherwise, running));
  };
}

}  // namespace

ShownProgress::ShownProgress(Client& client, const Globals& globals, Output& output, Watch watch)
    : client_(client),
      other_(globals),
      output_(output),
      watch_(std::move(watch)),
      paints_(screen::can_be_painted(STDERR_FILENO)),
      next_look_(began_ + (paints_ ? kMoment : kFirstLine)) {
  if (output.format() == Format::json) return;
  client_.meanwhile([this] {
    if (Clock::now() >= next_look_) look();
    return true;
  });
}

ShownProgress::~ShownProgress() {
  client_.meanwhile(nullptr);
  clear();
}

void ShownProgress::clear() {
  if (!painted_) return;
  output_.note("\r\x1b[K");
  painted_ = false;
}

void ShownProgress::look() {
  Call call = send(protocol::GetStatus{});
  call.limit = kPeriod;
  const auto answer = other_.call(call);
  const auto status = answer ? protocol::answer_from<protocol::Status>(answer->body) : protocol::Status{};
  const auto now = Clock::now();
  const auto progress = watch_(status, std::chrono::duration_cast<milliseconds>(now - began_));
  next_look_ = now + (paints_ ? kPeriod : kNextLine);
  if (!progress) return clear();
  if (paints_)
    paint(*progress);
  else
    output_.note(screen::progress_text(*progress) + "\n");
}

// One column stays free, so that the cursor does not go on to the next line.
void ShownProgress::paint(const Progress& progress) {
  auto paper = screen::paper_of(STDERR_FILENO, output_.style().color);
  paper.columns -= 1;
  output_.note("\r" + screen::progress_line(progress, paper).painted(paper) + "\x1b[K");
  painted_ = true;
}

Watch watch_of(const std::string& what) {
  return
      [what](const protocol::Status&, milliseconds running) { return std::optional(unknown(what, running)); };
}

Watch watch_of(const protocol::Drain& message) {
  return watch_drain(message.target, to_string(message.target) + " drains");
}

Watch watch_of(const protocol::Remove& message) {
  return watch_drain(message.target, to_string(message.target) + " is removed");
}

Watch watch_of(const protocol::Add& message) {
  return [target = message.target, timeout = message.wait_healthy](const protocol::Status& status,
                                                                   milliseconds running) {
    return std::optional(screen::healthy_progress(status, target, running, timeout));
  };
}

// The requests that the pools left behind still have; until the change is made its checks run.
Watch watch_of(const protocol::Cutover& message) {
  return [message, most = std::uint64_t{0}](const protocol::Status& status, milliseconds running) mutable {
    std::uint64_t left = 0;
    bool moved = message.wait_drained;
    for (const auto& service : status.services)
      for (const auto& [name, to] : message.services) {
        if (name != service.name) continue;
        for (const auto& pool : service.pools) {
          if (pool.name != to) left += pool.in_flight;
          if (pool.name == to) moved = moved && pool.share == kWhole;
        }
      }
    if (!moved) return std::optional(unknown("the checks before the cutover run", running));
    most = std::max(most, left);
    auto progress = unknown("waits for the pools left behind", running);
    progress.part = most > 0 ? 1 - static_cast<double>(left) / static_cast<double>(most) : 1;
    progress.detail = std::to_string(left) + " in flight there";
    if (!message.wait_timeout) return std::optional(progress);
    progress.kind = Progress::Left::at_most;
    progress.left = std::max(*message.wait_timeout - running, 0ms);
    return std::optional(progress);
  };
}

Watch watch_of(const protocol::Wait& message) {
  if (message.condition == protocol::Condition::healthy)
    return [message](const protocol::Status& status, milliseconds running) {
      return std::optional(screen::healthy_progress(status, message.target, running, message.timeout));
    };
  return [message, drained = watch_drain(message.target, to_string(message.target) + " is not drained")](
             const protocol::Status& status, milliseconds running) {
    auto progress = drained(status, running);
    if (!message.timeout) return progress;
    const auto left = std::max(*message.timeout - running, 0ms);
    if (progress->kind == Progress::Left::unknown || left < progress->left) progress->left = left;
    progress->kind = Progress::Left::at_most;
    return progress;
  };
}

Watch watch_of(const protocol::Upgrade&) {
  return [](const protocol::Status&, milliseconds running) {
    auto progress = unknown("the new process starts and takes over", running);
    progress.kind = Progress::Left::at_most;
    progress.left =
        std::max(protocol::Upgrade::kCheckedWithin + protocol::Upgrade::kReadyWithin - running, 0ms);
    return std::optional(progress);
  };
}

}  // namespace sluice::cli
