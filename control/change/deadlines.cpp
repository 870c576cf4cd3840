#include "control/change/deadlines.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <vector>

#include "control/change/replies.hpp"
#include "control/io/command.hpp"
#include "control/state/differences.hpp"
#include "control/state/pending.hpp"
#include "control/state/walk.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr std::chrono::seconds kHookLimit{60};
constexpr std::int64_t kShortest = 20;  // milliseconds until a change that failed is tried again

// Nothing else of the state changes.
state::Result<state::Change> without_retention(const state::State& now, const std::string& service,
                                               std::int64_t time) {
  state::State next = now;
  state::ServiceState* kept = next.service(service);
  if (kept && kept->retained && kept->retained->until <= time) kept->retained.reset();
  return state::change_between(now, std::move(next));
}

}  // namespace

Deadlines::Deadlines(asio::any_io_executor loop, const InForce& in_force, Committer& committer,
                     Recorder& recorder, io::Background& background)
    : loop_(loop),
      in_force_(in_force),
      committer_(committer),
      recorder_(recorder),
      background_(background),
      wakeup_(loop) {}

asio::awaitable<void> Deadlines::run() {
  while (!stopped_) {
    co_await revert_unconfirmed();
    co_await end_retentions();
    if (stopped_) break;
    auto limit = io::Clock::time_point::max();
    if (const auto time = next())
      limit = io::Clock::now() + milliseconds(std::max<std::int64_t>(kShortest, *time - unix_milliseconds()));
    co_await wakeup_.wait_until(limit);
  }
}

void Deadlines::stop() {
  stopped_ = true;
  wakeup_.notify();
}

std::optional<std::int64_t> Deadlines::next() const {
  std::optional<std::int64_t> nearest;
  const auto take = [&nearest](std::int64_t time) { nearest = std::min(nearest.value_or(time), time); };
  for (const auto& service : in_force_.state.services) {
    if (service.retained) take(service.retained->until);
    if (service.unconfirmed) take(service.unconfirmed->deadline);
  }
  return nearest;
}

// The oldest of those that are overdue; the next one is found in the next turn.
asio::awaitable<void> Deadlines::revert_unconfirmed() {
  const auto time = unix_milliseconds();
  const auto& services = in_force_.state.services;
  const auto overdue = std::find_if(services.begin(), services.end(), [time](const auto& service) {
    return service.unconfirmed && service.unconfirmed->deadline <= time;
  });
  if (overdue == services.end()) co_return;
  const std::uint64_t generation = overdue->unconfirmed->generation;
  std::vector<std::string> names;
  for (const auto& service : services)
    if (service.unconfirmed && service.unconfirmed->generation == generation) names.push_back(service.name);
  Proposal proposal;
  proposal.verb = "revert";
  proposal.without_disk = true;
  proposal.view = [names](const state::State& of) { return shares_json(of, names); };
  proposal.change = [generation](const state::State& now) {
    return state::revert(now, generation, unix_milliseconds());
  };
  const std::string reason = "generation " + std::to_string(generation) + " was not confirmed in time";
  Invocation invocation = invocation_of("daemon", reason);
  invocation.options.force = true;
  const auto reply = co_await committer_.commit(std::move(invocation), std::move(proposal));
  if (reply && reply->changed)
    recorder_.warn("reverted", names.size() == 1 ? names.front() : "", reason + " and is taken back");
}

asio::awaitable<void> Deadlines::end_retentions() {
  const auto time = unix_milliseconds();
  std::vector<std::string> over;
  for (const auto& service : in_force_.state.services)
    if (service.retained && service.retained->until <= time) over.push_back(service.name);
  for (const auto& name : over) {
    Proposal proposal;
    proposal.verb = state::kRetentionOver;
    proposal.without_disk = true;
    proposal.view = [name](const state::State& of) { return shares_json(of, name); };
    proposal.change = [name, time](const state::State& now) { return without_retention(now, name, time); };
    Invocation invocation = invocation_of("daemon");
    invocation.options.force = true;
    co_await committer_.commit(std::move(invocation), std::move(proposal));
  }
}

void Deadlines::tell_released(const state::State& before, const std::string& verb) {
  const std::string ended = verb == state::kRetentionOver ? "over" : "superseded";
  each_difference(before, in_force_.state,
                  [&](const state::ServiceState* was, const state::ServiceState* now) {
                    if (!was || !was->retained) return;
                    for (const auto& name : was->retained->pools) {
                      const state::PoolState* pool = now ? now->pool(name) : nullptr;
                      if (pool && now->retained && now->retained->holds(name)) continue;
                      if (!pool || pool->share > 0) continue;  // gone with the configuration, or in use again
                      tell(was->name, name, ended);
                    }
                  });
}

void Deadlines::tell(const std::string& service, const std::string& pool, const std::string& ended) {
  recorder_.info("retain", service,
                 service + "/" + pool + " is no longer retained: " +
                     (ended == "over" ? "the time is over" : "another shift came after the one that left it"),
                 {{"pool", pool}, {"ended", ended}});
  const config::ServiceSpec* configured = in_force_.spec.service(service);
  if (configured && !configured->retain_hook.empty())
    background_.spawn(run_hook(service, pool, ended, configured->retain_hook));
}

asio::awaitable<void> Deadlines::run_hook(std::string service, std::string pool, std::string ended,
                                          std::string command) {
  io::Environment environment;
  environment.emplace_back("SLUICE_SERVICE", service);
  environment.emplace_back("SLUICE_POOL", pool);
  environment.emplace_back("SLUICE_ENDED", ended);
  auto work = io::run_command(loop_, std::move(command), std::move(environment), kHookLimit);
  const io::CommandResult result = co_await std::move(work);
  const bool well = result.end == io::CommandResult::End::exited && result.code == 0;
  const std::string text =
      "the retain hook of " + service + "/" + pool + (well ? " is done" : " failed: " + result.text());
  if (well)
    recorder_.info("retain", service, text, {{"pool", pool}});
  else
    recorder_.warn("warning", service, text, {{"pool", pool}});
}

}  // namespace sluice::change
