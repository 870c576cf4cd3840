// The pools that a shift left and that stay as they are for a time, so that a rollback finds them. When that
// is over: an event, a log line, and the service's hook for what has no share (tidying up may begin).
#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "control/change/control_impl.hpp"
#include "control/change/replies.hpp"
#include "control/io/command.hpp"
#include "control/state/walk.hpp"

namespace sluice::change {
namespace {

constexpr std::chrono::seconds kHookLimit{60};

// Nothing else of the state changes.
state::Result<state::Change> without_retention(const state::State& now, const std::string& service,
                                               std::int64_t time) {
  state::State next = now;
  state::ServiceState* kept = next.service(service);
  if (kept && kept->retained && kept->retained->until <= time) kept->retained.reset();
  return state::change_between(now, std::move(next));
}

}  // namespace

void Control::Impl::tell_released(const state::State& before, const std::string& ended) {
  for (const auto& was : before.services) {
    if (!was.retained) continue;
    const state::ServiceState* now = state.service(was.name);
    for (const auto& name : was.retained->pools) {
      const state::PoolState* pool = now ? now->pool(name) : nullptr;
      if (pool && now->retained && now->retained->holds(name)) continue;
      if (!pool || pool->share > 0) continue;  // gone with the configuration, or in use again
      const std::string text =
          was.name + "/" + name + " is no longer retained: " +
          (ended == "over" ? "the time is over" : "another shift came after the one that left it");
      spdlog::info("{}", text);
      events.add("retain", was.name, text, {{"pool", name}, {"ended", ended}});
      const config::ServiceSpec* configured = spec.service(was.name);
      if (configured && !configured->retain_hook.empty())
        asio::co_spawn(loop,
                       run_retain_hook(shared_from_this(), was.name, name, ended, configured->retain_hook),
                       asio::detached);
    }
  }
}

asio::awaitable<void> Control::Impl::run_retain_hook(std::shared_ptr<Impl> self, std::string service,
                                                     std::string pool, std::string ended,
                                                     std::string command) {
  io::Environment environment;
  environment.emplace_back("SLUICE_SERVICE", service);
  environment.emplace_back("SLUICE_POOL", pool);
  environment.emplace_back("SLUICE_ENDED", ended);
  auto work = io::run_command(loop, std::move(command), std::move(environment), kHookLimit);
  const io::CommandResult result = co_await std::move(work);
  const bool well = result.end == io::CommandResult::End::exited && result.code == 0;
  const std::string text =
      "the retain hook of " + service + "/" + pool + (well ? " is done" : " failed: " + result.text());
  well ? spdlog::info("{}", text) : spdlog::warn("{}", text);
  events.add(well ? "retain" : "warning", service, text, {{"pool", pool}});
  self.reset();
}

asio::awaitable<std::optional<std::int64_t>> Control::Impl::end_retentions() {
  const auto time = unix_milliseconds();
  std::vector<std::string> over;
  for (const auto& service : state.services)
    if (service.retained && service.retained->until <= time) over.push_back(service.name);
  for (const auto& name : over) {
    Verb verb;
    verb.name = state::kRetentionOver;
    verb.without_disk = true;
    verb.view = [name](const state::State& of) { return shares_json(of, name); };
    verb.change = [name, time](const state::State& now) { return without_retention(now, name, time); };
    Request request;
    request.actor.name = "daemon";
    request.options.force = true;
    co_await commit(std::move(request), std::move(verb));
  }
  std::optional<std::int64_t> next;
  for (const auto& service : state.services)
    if (service.retained) next = std::min(next.value_or(service.retained->until), service.retained->until);
  co_return next;
}

}  // namespace sluice::change
