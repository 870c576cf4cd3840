#include "control/demo/story.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <utility>

#include "control/demo/admin_call.hpp"
#include "control/protocol/answer.hpp"
#include "proxy/base/values.hpp"

namespace sluice::demo {

namespace json = boost::json;
using protocol::RolloutStatus;
using protocol::ServiceStatus;

namespace {

constexpr const char* kService = "demo";
constexpr std::chrono::duration<double> kHold{20};      // of each step
constexpr std::chrono::duration<double> kLongest{120};  // for what should happen, beyond its time
constexpr double kBroken = 0.09;                        // of green's requests
constexpr int kOverloaded = 503;  // which is tried again elsewhere, so that users see nothing of it

// The gates that both rollouts have; as flags of the command, and as fields of the call.
constexpr const char* kFlags = "--max-error-rate 5% --max-error-increase 4% --max-p95 500ms";
const json::object kLimits{{"max_error_rate", "5%"}, {"max_error_increase", "4%"}, {"max_p95", "500ms"}};
const json::array kSteps{"5%", "25%", "50%", "100%"};

std::string steps_text() {
  std::string out;
  for (const auto& step : kSteps) out += (out.empty() ? "" : ",") + std::string(step.get_string());
  return out;
}

// Broken at blanks behind the time; a command stays in one piece, so that it can be pasted.
std::string paragraph(const std::string& text) {
  constexpr std::size_t kColumns = 100;
  if (text.starts_with("$ ")) return text;
  std::string out;
  std::size_t column = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(' ', at), text.size());
    const bool fits = column + 1 + (end - at) <= kColumns;
    if (column > 0) out += fits ? " " : "\n       ";
    column = (column > 0 && fits ? column + 1 : 0) + (end - at);
    out += text.substr(at, end - at);
    at = end + 1;
  }
  return out;
}

const protocol::PoolStatus* pool_of(const ServiceStatus& service, const std::string& name) {
  for (const auto& pool : service.pools)
    if (pool.name == name) return &pool;
  return nullptr;
}

}  // namespace

std::string step_sentence(const RolloutStatus& rollout) {
  return "step " + std::to_string(rollout.step.value_or(0)) + " of " + std::to_string(rollout.steps) + ": " +
         format_share(rollout.share.value_or(0)) + " of the users are on " + rollout.to +
         (rollout.hold ? ", for at least " + duration_text(*rollout.hold) : std::string());
}

Story::Story(StorySetting setting, std::vector<TinyBackend*> green, Counts counts,
             std::function<void(bool)> over)
    : setting_(std::move(setting)),
      green_(std::move(green)),
      counts_(std::move(counts)),
      thread_([this, over = std::move(over)] {
        if (tell() || wrong_) over(!wrong_);
      }) {}

Story::~Story() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_all();
  thread_.join();
}

bool Story::tell() {
  if (!tell_of_failure() || !tell_of_success()) return false;
  say("That was the story. What it did stands in the history while the daemon runs; this one ends now.");
  return true;
}

bool Story::tell_of_failure() {
  say("PART ONE: green is a new version, and it has a fault that shows under load.");
  say("Look at the bars: blue has all requests. Nothing waits for anything.");
  if (!pause(Seconds(12)) || !begin_rollout("release 42")) return false;
  say("Look at the gates: between their bounds, the errors may still be too many; that is \"undecided\".");
  if (!until([](const auto& service) { return service.rollout->step.value_or(0) >= 2; })) return false;
  if (!pause(Seconds(12))) return false;
  const auto before = counts_();
  for (auto* backend : green_) backend->fail(kBroken, kOverloaded);
  const auto broke = Clock::now();
  say("GREEN BREAKS: 9% of its answers are 503 from now on. Look at its errors, and at the interval of the "
      "gates,"
      " which moves over the limit.");
  if (!until([](const auto& service) { return service.rollout && !service.rollout->active; })) return false;
  const auto service = look();
  if (!service) return false;
  if (service->rollout->state != "rolled_back")
    return goes_wrong("Green is broken, and yet the rollout is " + service->rollout->state + ".");
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - broke);
  say("IT WENT BACK by itself, " + duration_text(took) +
      " after green broke, and nobody typed anything. Why: " + service->rollout->why);
  say_what_users_saw(before);
  say("What failed on green was sent to blue again (rescue), and counted against green all the same.");
  for (auto* backend : green_) backend->fail(0, kOverloaded);
  return pause(Seconds(20));
}

bool Story::tell_of_success() {
  say("PART TWO: green is mended, and goes out again by the same plan.");
  if (!pause(Seconds(4))) return false;
  const auto before = counts_();
  if (!begin_rollout("release 43")) return false;
  say("Look at the step that is now, and how long it lasts. To go back at any moment: " + setting_.ctl +
      " rollback " + kService);
  if (!until([](const auto& service) { return service.rollout && !service.rollout->active; })) return false;
  const auto service = look();
  const auto* green = service ? pool_of(*service, "green") : nullptr;
  if (!green) return false;
  if (service->rollout->state != "done")
    return goes_wrong("Green is well, and yet it went back: " + service->rollout->why);
  say("IT IS DONE: green has " + format_share(green->share) + ", every gate passed at every step.");
  say_what_users_saw(before);
  return pause(Seconds(10));
}

bool Story::begin_rollout(const char* reason) {
  const auto hold = std::chrono::duration_cast<std::chrono::milliseconds>(kHold / setting_.pace);
  say("$ " + setting_.ctl + " rollout start " + kService + " --to green --steps " + steps_text() +
      " --hold " + format_duration(hold) + " " + kFlags + " --reason '" + reason + "'");
  json::object body = kLimits;
  body["to"] = "green";
  body["steps"] = kSteps;
  body["hold"] = format_duration(hold);
  json::value text = std::move(body);
  std::string query = "?reason=";
  for (const char* c = reason; *c; ++c) query += *c == ' ' ? std::string("%20") : std::string(1, *c);
  const auto answer = call_admin(setting_.socket, "POST",
                                 "/v1/services/" + std::string(kService) + "/rollout" + query, &text);
  step_told_ = 0;
  if (answer && answer->status == 200)
    return until([](const auto& service) { return service.rollout && service.rollout->active; });
  return answer ? goes_wrong("The daemon refused it: " + json::serialize(answer->body)) : false;
}

bool Story::pause(Seconds seconds) {
  std::unique_lock lock(mutex_);
  const auto time = std::chrono::duration_cast<Clock::duration>(seconds / setting_.pace);
  return !stopped_.wait_for(lock, time, [this] { return stop_; });
}

bool Story::until(const Condition& condition) {
  constexpr Seconds kGlance{0.2};
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(kLongest + kHold * 4);
  while (Clock::now() < deadline) {
    const auto service = look();
    if (!service) return false;
    tell_step(*service);
    if (condition(*service)) return true;
    if (service->rollout && !service->rollout->active && step_told_ > 0)
      return goes_wrong("It ended before its time: " + service->rollout->why);
    if (!pause(kGlance)) return false;
  }
  return goes_wrong("This machine is too busy for the story: what should happen next does not.");
}

bool Story::goes_wrong(const std::string& why) {
  say(why);
  wrong_ = true;
  return false;
}

// Nothing when the daemon ends, or does not answer.
std::optional<ServiceStatus> Story::look() {
  const auto answer = call_admin(setting_.socket, "GET", "/v1/status");
  if (!answer || answer->status != 200) return std::nullopt;
  auto status = protocol::answer_from<protocol::Status>(answer->body);
  if (status.services.size() != 1 || status.readiness != "ready") return std::nullopt;
  return std::move(status.services.front());
}

void Story::tell_step(const ServiceStatus& service) {
  if (!service.rollout || !service.rollout->active) return;
  const auto step = service.rollout->step.value_or(0);
  if (step <= step_told_) return;
  step_told_ = step;
  say(step_sentence(*service.rollout));
}

// "1:07  what is told", at once also into a pipe.
void Story::say(const std::string& text) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - began_).count();
  std::printf("%2lld:%02lld  %s\n", static_cast<long long>(seconds / 60),
              static_cast<long long>(seconds % 60), paragraph(text).c_str());
  std::fflush(stdout);
}

void Story::say_what_users_saw(const std::pair<std::uint64_t, std::uint64_t>& before) const {
  const auto now = counts_();
  say("What users saw of it: " + std::to_string(now.second - before.second) + " errors in " +
      std::to_string(now.first - before.first) + " requests.");
}

}  // namespace sluice::demo
