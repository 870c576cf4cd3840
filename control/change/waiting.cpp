// The verbs that wait for something beside the workers: healthy, drained, idle.
#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "control/change/control_impl.hpp"
#include "control/health/eligibility.hpp"
#include "control/rollout/plan.hpp"
#include "proxy/route/query.hpp"

namespace sluice::change {
namespace {

using std::chrono::milliseconds;

io::Clock::time_point limit_after(std::optional<milliseconds> timeout) {
  return timeout ? io::Clock::now() + *timeout : io::Clock::time_point::max();
}

milliseconds since(io::Clock::time_point began) {
  return std::chrono::duration_cast<milliseconds>(io::Clock::now() - began);
}

// What the reply says although the change itself was made.
Problem late(const Changed& reply, const std::string& what) {
  return protocol::timed_out(what + "; generation " + std::to_string(reply.generation) + " is in force");
}

}  // namespace

asio::awaitable<Result<Waited>> Control::Impl::wait(protocol::Wait message) {
  if (auto problem = missing_member(message.target)) co_return *problem;
  const auto began = io::Clock::now();
  const bool healthy = message.condition == protocol::Wait::Condition::healthy;
  const auto limit = limit_after(message.timeout);
  bool reached = false;
  if (healthy)
    reached = co_await wait_until_healthy(message.target, limit);
  else
    reached = co_await wait_until_drained(message.target, limit);
  if (auto gone = state::missing(state, message.target); gone && healthy) co_return *gone;
  if (!reached) co_return not_reached(message, since(began));
  Waited waited;
  waited.target = message.target;
  waited.took = since(began);
  if (!healthy) waited.drained = drained_sum(message.target);
  co_return waited;
}

// Healthy is known to be up; without a health check nothing more can be known than that it is not ejected.
bool Control::Impl::is_healthy(const route::Backend& backend, ProbeMarks& marks) const {
  const health::MonitoredBackend* monitored = health_registry.find(backend.live->id);
  const observe::Health health = backend.live->health.load();
  if (!monitored || !monitored->check)
    return health == observe::Health::up || health == observe::Health::unknown;
  if (health != observe::Health::up) return false;
  if (backend.admin == observe::Admin::ready) return true;
  const auto mark = marks.try_emplace(monitored->live->id, monitored->probed.count + 1).first->second;
  const auto since = std::max(mark, monitored->probed.last_failed);
  return monitored->probed.count >= since + static_cast<std::uint64_t>(monitored->check->rise);
}

// A backend that is out of the traffic is perhaps being renewed at this moment: what was seen of it before
// does not count, `rise` probes that began after the question do.
asio::awaitable<bool> Control::Impl::wait_until_healthy(Target target, io::Clock::time_point limit) {
  ProbeMarks marks;
  for (const route::Backend* backend : backends_of(target))
    if (const health::MonitoredBackend* monitored = health_registry.find(backend->live->id);
        monitored && monitored->check)
      prober.hurry(monitored->live->id, monitored->check->rise + 1);
  while (true) {
    if (state::missing(state, target)) co_return false;
    const auto backends = backends_of(target);
    bool all = !backends.empty();
    for (const route::Backend* backend : backends) all = is_healthy(*backend, marks) && all;
    if (all) co_return true;
    // Probes of a backend that stays up notify nobody: it is looked at again with every poll.
    const auto next = std::min(limit, io::Clock::now() + Drains::kPoll);
    if (!co_await health_registry.changed().wait_until(next) && io::Clock::now() >= limit) co_return false;
  }
}

Problem Control::Impl::not_reached(const protocol::Wait& message, milliseconds took) const {
  const std::string name = protocol::to_string(message.target);
  const bool drained = message.condition == protocol::Wait::Condition::drained;
  auto problem = protocol::timed_out(name + " is not " + protocol::to_string(message.condition) + " after " +
                                     duration_text(took));
  const auto backends = backends_of(message.target);
  const bool draining = std::all_of(backends.begin(), backends.end(), [](const route::Backend* backend) {
    return backend->admin != observe::Admin::ready;
  });
  if (!drained || draining) return problem;
  const auto* pool = state.service(message.target.service)->pool(message.target.pool);
  problem.detail += pool->share > 0 ? ": it has " + format_share(pool->share) + " of the requests"
                                    : ": requests can still reach it, though it has no share";
  const route::Service* routed = find_service(*snapshot, message.target.service);
  const route::Pool* from = routed ? find_pool(*routed, message.target.pool) : nullptr;
  const bool others = from && std::any_of(from->backends.begin(), from->backends.end(), [&](const auto& one) {
                        return eligible_in(*from, one) && !message.target.backend.empty() &&
                               one.name != message.target.backend;
                      });
  if (pool->share == 0 || others || !from)
    problem.suggestion = "sluicectl drain " + name + " begins to drain it";
  else
    problem.suggestion = health::way_out({routed->spec.name, from->name, pool->share}, *routed, state);
  return problem;
}

// Nothing of its service's requests goes there: it has no share, is not who rescues or what is mirrored to,
// and no listener leads there, nobody waits for a place. What is in flight is the caller's question.
bool Control::Impl::is_left(const Target& target) const {
  const route::Service* service = find_service(*snapshot, target.service);
  const route::Pool* pool = service ? find_pool(*service, target.pool) : nullptr;
  if (!pool || pool->share > 0) return false;
  const bool rescues = service->spec.retries.rescue_stable && &service->pools[service->rescue] == pool;
  const auto* kept = state.service(target.service);
  if (rescues || (kept->mirror && kept->mirror->pool == target.pool)) return false;
  if (kept->rollout && kept->rollout->active() &&
      (kept->rollout->from == target.pool || kept->rollout->to == target.pool))
    return false;
  for (const auto& listener : spec.listeners)
    for (const auto& [name, fixed] : listener.pools)
      if (name == target.service && fixed == target.pool) return false;
  std::uint64_t placed = 0;
  for (const auto& backend : pool->backends) placed += backend.live->in_flight();
  return sums_of(*pool->live).in_flight <= placed;
}

// A backend that is gone is drained as well, and so is one with nothing in flight in a pool that was left: it
// can be stopped.
asio::awaitable<bool> Control::Impl::wait_until_drained(Target target, io::Clock::time_point limit) {
  while (true) {
    const auto backends = backends_of(target);
    const bool left = is_left(target);
    const bool all = std::all_of(backends.begin(), backends.end(), [&](const route::Backend* backend) {
      return is_drained(*backend) || (left && backend->live->in_flight() == 0);
    });
    if (all) co_return true;
    // One that is not draining yet may begin to: looked at again with every poll.
    const auto next = std::min(limit, io::Clock::now() + 10 * Drains::kPoll);
    co_await drains.changed().wait_until(next);
    if (io::Clock::now() >= limit) co_return false;
  }
}

// False when somebody made one ready again.
asio::awaitable<bool> Control::Impl::wait_while_draining(Target target) {
  while (true) {
    bool all = true;
    for (const route::Backend* backend : backends_of(target)) {
      if (backend->admin == observe::Admin::ready) co_return false;
      all = all && is_drained(*backend);
    }
    if (all) co_return true;
    co_await drains.changed().wait();
  }
}

asio::awaitable<bool> Control::Impl::wait_until_idle(std::vector<std::pair<std::string, std::string>> pools,
                                                     io::Clock::time_point limit) {
  asio::steady_timer timer(loop);
  while (in_flight_of(pools) > 0) {
    if (io::Clock::now() >= limit) co_return false;
    timer.expires_after(Drains::kPoll);
    co_await timer.async_wait(asio::use_awaitable);
  }
  co_return true;
}

std::vector<const route::Backend*> Control::Impl::backends_of(const Target& target) const {
  std::vector<const route::Backend*> out;
  const route::Service* service = find_service(*snapshot, target.service);
  const route::Pool* pool = service ? find_pool(*service, target.pool) : nullptr;
  if (!pool) return out;
  for (const auto& backend : pool->backends)
    if (names(target, backend)) out.push_back(&backend);
  return out;
}

bool Control::Impl::is_drained(const route::Backend& backend) const {
  if (backend.admin == observe::Admin::maint) return backend.live->in_flight() == 0;
  const Drain* drain = drains.find(backend.live->id);
  return drain && drain->finished;
}

protocol::Drained Control::Impl::drained_sum(const Target& target) const {
  protocol::Drained sum;
  for (const route::Backend* backend : backends_of(target)) {
    const Drain* drain = drains.find(backend->live->id);
    if (!drain) continue;
    sum.clean += drain->clean();
    sum.forced += drain->forced;
    sum.took = std::max(sum.took, drain->took);
  }
  return sum;
}

std::uint64_t Control::Impl::in_flight_of(
    const std::vector<std::pair<std::string, std::string>>& pools) const {
  std::uint64_t sum = 0;
  for (const auto& [service, pool] : pools)
    for (const route::Backend* backend : backends_of({service, pool, ""})) sum += backend->live->in_flight();
  return sum;
}

// --- the verbs

asio::awaitable<Result<Changed>> Control::cutover(Request request, protocol::Cutover message) {
  const auto self = impl_;
  request.options.force = request.options.force || message.force;
  const bool wait = message.wait_drained && !request.options.dry_run;
  const auto limit = limit_after(message.wait_timeout);
  const auto began = io::Clock::now();
  std::vector<std::pair<std::string, std::string>> left;
  for (const auto& [name, pool] : message.services)
    if (const auto* service = self->state_of(name))
      for (const auto& other : service->pools)
        if (other.name != pool && other.share > 0) left.emplace_back(name, other.name);
  auto checks = rollout::checks_of(message.checks);
  if (!checks) co_return self->refuse(request, "cutover", checks.error());
  config::PlanSpec own;
  own.verify = *checks;
  if (auto problem = own_commands(request.actor, own))
    co_return self->refuse(request, "cutover", std::move(*problem));
  const auto services = message.services;
  Verb verb;
  std::vector<std::string> notes;
  if (message.watch_for) {
    auto plan = rollout::watch_plan(message);
    if (!plan) co_return self->refuse(request, "cutover", plan.error());
    if (auto problem = own_commands(request.actor, *plan))
      co_return self->refuse(request, "cutover", std::move(*problem));
    notes = rollout::remarks(*plan, message.services.front().second);
    rollout::Start start;
    start.services = message.services;
    start.plan = std::move(*plan);
    start.by = to_string(request.actor);
    start.supersede = message.supersede;
    verb = self->start_verb(std::move(start));
    verb.name = "cutover";
  } else {
    verb = self->cutover_verb(std::move(message));
  }
  if (!checks->empty()) {
    auto passed = co_await self->after_checks(request, std::move(verb), services, std::move(*checks));
    if (!passed) co_return passed.error();
    verb = std::move(*passed);
  }
  auto reply = co_await self->commit(std::move(request), std::move(verb));
  if (reply && !notes.empty()) reply->more["notes"] = json::array(notes.begin(), notes.end());
  if (!reply || !wait) co_return reply;
  const std::uint64_t at_start = self->in_flight_of(left);
  const bool idle = co_await self->wait_until_idle(left, limit);
  if (!idle)
    co_return late(*reply, "the pools left behind still have " + std::to_string(self->in_flight_of(left)) +
                               " requests in flight");
  protocol::Drained drained;
  drained.clean = at_start;
  drained.took = since(began);
  reply->more["drained"] = protocol::to_json(drained);
  co_return reply;
}

asio::awaitable<Result<Changed>> Control::drain(Request request, protocol::Drain message) {
  const auto self = impl_;
  const bool wait = message.wait && !request.options.dry_run;
  const Target target = message.target;
  Verb verb = self->drain_verb(target, message.timeout, message.websockets, false);
  auto reply = co_await self->commit(std::move(request), std::move(verb));
  if (!reply || !wait) co_return reply;
  const bool drained = co_await self->wait_while_draining(target);
  if (!drained)
    co_return protocol::conflict(protocol::to_string(target) + " was made ready before it was drained");
  reply->more["drained"] = protocol::to_json(self->drained_sum(target));
  co_return reply;
}

asio::awaitable<Result<Changed>> Control::add(Request request, protocol::Add message) {
  const auto self = impl_;
  const Target target = message.target;
  const auto wait_healthy = message.wait_healthy;
  const bool wait = wait_healthy && !request.options.dry_run;
  std::vector<std::string> names;
  names.push_back(message.address.empty() ? target.backend : message.address);
  co_await self->resolver.resolve(std::move(names));
  Verb verb = self->add_verb(std::move(message));
  auto reply = co_await self->commit(std::move(request), std::move(verb));
  if (!reply || !wait) co_return reply;
  const auto limit = limit_after(wait_healthy);
  const bool healthy = co_await self->wait_until_healthy(target, limit);
  if (!healthy)
    co_return late(*reply, protocol::to_string(target) + " was added and is not healthy after " +
                               duration_text(*wait_healthy));
  co_return reply;
}

// Two changes: it drains, and when nothing is in flight it is taken out.
asio::awaitable<Result<Changed>> Control::remove(Request request, protocol::Remove message) {
  const auto self = impl_;
  const Target target = message.target;
  Verb out = self->remove_verb(target);
  if (auto problem = self->kept_back(target); problem && !request.options.force)
    co_return self->refuse(request, "remove", std::move(*problem));
  if (request.options.dry_run) co_return co_await self->commit(std::move(request), std::move(out));
  Verb drain = self->drain_verb(target, message.timeout, message.websockets, true);
  const auto drained = co_await self->commit(request, std::move(drain));
  if (!drained) co_return drained;
  const bool gone_quiet = co_await self->wait_while_draining(target);
  if (!gone_quiet)
    co_return protocol::conflict(protocol::to_string(target) + " was made ready before it was removed");
  const protocol::Drained result = self->drained_sum(target);
  request.options.if_generation.reset();  // it held for the first of the two
  if (drained->changed) request.options.step = drained->generation;
  auto reply = co_await self->commit(std::move(request), std::move(out));
  if (!reply) co_return reply;
  reply->before = drained->before;
  // An `add` makes it ready; what was not cannot be brought back so.
  if (!drained->undo.starts_with("sluicectl ready "))
    reply->undo = "sluicectl undo --to-generation " +
                  std::to_string(drained->changed ? drained->generation - 1 : reply->generation - 1);
  reply->took_ms += drained->took_ms;
  reply->more["drained"] = protocol::to_json(result);
  if (drained->more.contains("warnings")) reply->more["warnings"] = drained->more.at("warnings");
  co_return reply;
}

asio::awaitable<Result<Waited>> Control::wait(protocol::Wait message) {
  const auto self = impl_;
  co_return co_await self->wait(std::move(message));
}

}  // namespace sluice::change
