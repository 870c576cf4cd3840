// rolling: a pool's backends renewed batch by batch, each by a command of the operator's. It runs here, so
// that the command runs on the operator's machine as the operator; the daemon only sees drain, ready and
// wait.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>

#include "control/cli/json_access.hpp"
#include "control/cli/run.hpp"
#include "control/cli/shell.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;
using protocol::milliseconds;
using protocol::Problem;
using protocol::Target;

namespace {

constexpr milliseconds kSlack{10'000};  // the daemon says that the time is over, not we

struct Member {
  std::string name, address;
  bool eligible = false;
};
using Members = std::vector<Member>;

// The one of that name; null when there is none.
template <class Items>
const typename Items::value_type* named(const Items& items, const std::string& name) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&name](const auto& one) { return one.name == name; });
  return found == items.end() ? nullptr : &*found;
}

class Rolling {
 public:
  Rolling(Context& context, const RollingVerb& verb) : context_(context), verb_(verb) {}

  // To the end, or to the first failure.
  std::optional<Problem> run();
  const std::vector<std::string>& done() const { return done_; }

 private:
  std::optional<Problem> look();
  std::optional<Problem> floor_of_configuration();
  std::optional<Problem> keeps_the_floor(const Members& batch);
  std::optional<Problem> renew(const Members& batch);
  std::optional<Problem> each(const Members& batch, const std::string& command, const std::string& what);
  std::optional<Problem> drain(const Member& member);
  std::optional<Problem> ready(const Member& member);
  std::optional<Problem> change(const Member& member, const Call& call, std::optional<milliseconds> extra,
                                const Watch& watch);
  // `watch`, behind how many are renewed and how long the others take if they take as long.
  Watch watched(Watch watch) const;
  std::optional<Problem> wait_healthy(const Member& member);
  Problem stopped(const Members& batch, Problem problem) const;
  Target target(const Member& member) const { return {verb_.pool.service, verb_.pool.pool, member.name}; }
  void say(const std::string& text) {
    if (context_.output.format() == Format::table) context_.output.say(text + "\n");
  }

  Context& context_;
  const RollingVerb& verb_;
  Members members_;
  bool has_share_ = true;
  std::uint32_t floor_ = 1;
  std::vector<std::string> done_;
  std::size_t left_ = 0;
  Clock::time_point began_;
  milliseconds took_{0};                             // for those that are done
  std::map<std::string, std::uint64_t> changed_at_;  // the generation of each one's last change
};

std::optional<Problem> Rolling::run() {
  if (auto problem = look()) return problem;
  if (auto problem = floor_of_configuration()) return problem;
  const Members all = members_;
  left_ = all.size();
  began_ = Clock::now();
  for (std::size_t begin = 0; begin < all.size(); begin += verb_.batch) {
    const auto end = std::min<std::size_t>(begin + verb_.batch, all.size());
    const Members batch(all.begin() + static_cast<std::ptrdiff_t>(begin),
                        all.begin() + static_cast<std::ptrdiff_t>(end));
    if (auto problem = look()) return stopped({}, *problem);
    if (auto problem = keeps_the_floor(batch)) return stopped({}, *problem);
    if (auto problem = renew(batch)) return stopped(batch, *problem);
    for (const auto& member : batch) done_.push_back(member.name);
    left_ = all.size() - done_.size();
    took_ = std::chrono::duration_cast<milliseconds>(Clock::now() - began_);
  }
  return std::nullopt;
}

// The pool as it is now.
std::optional<Problem> Rolling::look() {
  const auto answer = context_.client.call(send(protocol::GetStatus{}));
  if (!answer) return answer.error();
  const auto status = protocol::answer_from<protocol::Status>(answer->body);
  const auto* service = named(status.services, verb_.pool.service);
  if (!service) return protocol::not_found("there is no service " + sluice::quoted(verb_.pool.service));
  const auto* pool = named(service->pools, verb_.pool.pool);
  if (!pool) return protocol::not_found("there is no pool " + sluice::quoted(to_string(verb_.pool)));
  has_share_ = pool->share > 0;
  members_.clear();
  for (const auto& backend : pool->backends)
    members_.push_back({backend.name, backend.address, backend.eligible});
  return std::nullopt;
}

std::optional<Problem> Rolling::floor_of_configuration() {
  if (verb_.min_available) {
    floor_ = *verb_.min_available;
    return std::nullopt;
  }
  const auto answer = context_.client.call(send(protocol::GetConfig{"json"}));
  if (!answer) return answer.error();
  const auto& service = object_in(object_in(object_of(answer->body), "services"), verb_.pool.service);
  const auto floor = number_in(object_in(service, "outlier"), "min_available");
  floor_ = std::max(1u, static_cast<std::uint32_t>(floor.value_or(1)));
  return std::nullopt;
}

// Enough others take requests while this batch does not. A pool without a share needs none.
std::optional<Problem> Rolling::keeps_the_floor(const Members& batch) {
  if (!has_share_ || context_.line.change.force) return std::nullopt;
  std::uint32_t left = 0;
  for (const auto& member : members_) {
    const bool leaves = std::any_of(batch.begin(), batch.end(),
                                    [&member](const Member& other) { return other.name == member.name; });
    left += member.eligible && !leaves;
  }
  if (left >= floor_) return std::nullopt;
  return protocol::refused(
      "with this batch away only " + std::to_string(left) + " backends of " + to_string(verb_.pool) +
          " would take requests, and " + std::to_string(floor_) + " have to",
      left > 0 ? "a smaller --batch, one more backend, or --min-available " + std::to_string(left)
               : "a smaller --batch, one more backend, a cutover to another pool first, "
                 "or --force");
}

std::optional<Problem> Rolling::renew(const Members& batch) {
  for (const auto& member : batch)
    if (auto problem = drain(member)) return problem;
  if (auto problem = each(batch, verb_.run, "the command")) return problem;
  for (const auto& member : batch) {
    if (auto problem = wait_healthy(member)) return problem;
    if (auto problem = ready(member)) return problem;
    say(to_string(target(member)) + ": ready");
  }
  if (verb_.verify.empty()) return std::nullopt;
  auto problem = each(batch, verb_.verify, "the verification");
  if (!problem) return std::nullopt;
  for (const auto& member : batch)
    if (auto again = drain(member)) problem->detail += "; and it could not be drained: " + again->detail;
  return problem;
}

std::optional<Problem> Rolling::drain(const Member& member) {
  protocol::Drain message{target(member), verb_.drain_timeout, true, verb_.websockets};
  auto problem = change(member, send(message), message.extra_time(), watch_of(message));
  if (!problem) say(to_string(target(member)) + ": drained");
  return problem;
}

// One step with its drain: undo does not leave it half way.
std::optional<Problem> Rolling::ready(const Member& member) {
  Call call = send(protocol::Ready{target(member)});
  if (const auto drained = changed_at_.find(member.name); drained != changed_at_.end())
    call.sent.query.emplace_back("step", std::to_string(drained->second));
  return change(member, call, milliseconds(0), waits_for_daemon());
}

std::optional<Problem> Rolling::each(const Members& batch, const std::string& command,
                                     const std::string& what) {
  for (const auto& member : batch) {
    const int code = run_shell(filled(command, {{"backend", member.name}, {"address", member.address}}));
    if (code == 0) continue;
    Problem problem = protocol::conflict(what + " failed for " + to_string(target(member)) + " with exit " +
                                         std::to_string(code));
    problem.exit = protocol::Exit::gate_failed;
    problem.title = "rolling stopped";
    return problem;
  }
  return std::nullopt;
}

std::optional<Problem> Rolling::wait_healthy(const Member& member) {
  const protocol::Wait message{protocol::Condition::healthy, target(member), verb_.wait_healthy};
  Call call = send(message);
  call.limit = verb_.wait_healthy + kSlack;
  const ShownProgress shown(context_.client, context_.line.globals, context_.output,
                            watched(watch_of(message)));
  const auto answer = context_.client.call(call);
  return answer ? std::nullopt : std::optional(answer.error());
}

std::optional<Problem> Rolling::change(const Member& member, const Call& call,
                                       std::optional<milliseconds> extra, const Watch& watch) {
  const auto answer = send_change(context_, call, extra, watched(watch));
  if (!answer) return answer.error();
  protocol::Changed changed;
  if (auto problem = protocol::read(answer->body, changed)) return problem;
  if (changed.changed) changed_at_[member.name] = changed.generation;
  return std::nullopt;
}

Watch Rolling::watched(Watch watch) const {
  const auto since = std::chrono::duration_cast<milliseconds>(Clock::now() - began_);
  return [this, watch = std::move(watch), since](const protocol::Status& status, milliseconds running) {
    auto progress = watch(status, running);
    if (progress)
      screen::put_into_rolling(*progress,
                               {to_string(verb_.pool), done_.size(), left_, took_, since + running});
    return progress;
  };
}

// What is left as it is, for whoever has to mend it.
Problem Rolling::stopped(const Members& batch, Problem problem) const {
  std::vector<std::string> left, commands;
  for (const auto& member : batch) {
    left.push_back(to_string(target(member)));
    commands.push_back("sluicectl ready " + to_string(target(member)));
  }
  problem.detail += "; " + std::to_string(done_.size()) + " backends are renewed";
  if (!left.empty()) problem.detail += ", left drained: " + list_of(left);
  if (!commands.empty()) problem.suggestion = "when they are mended: " + list_of(commands);
  return problem;
}

}  // namespace

int run(Context& context, const RollingVerb& verb) {
  Rolling work(context, verb);
  const auto problem = work.run();
  if (problem) return context.output.fail(*problem);
  const auto& done = work.done();
  const json::object document{{"pool", to_string(verb.pool)},
                              {"renewed", json::array(done.begin(), done.end())}};
  return context.output.show(
      document, to_string(verb.pool) + ": " + std::to_string(done.size()) + " backends renewed\n");
}

}  // namespace sluice::cli
