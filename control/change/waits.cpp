#include "control/change/waits.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "control/change/sliding_window.hpp"
#include "control/change/targets.hpp"
#include "control/health/eligibility.hpp"
#include "control/io/connection.hpp"
#include "control/state/apply.hpp"
#include "proxy/base/suggest.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;
using protocol::Problem;
using protocol::Target;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kReconnect{100};  // between two tries to connect where nothing probes

io::Clock::time_point limit_after(std::optional<milliseconds> timeout) {
  return timeout ? io::Clock::now() + *timeout : io::Clock::time_point::max();
}

milliseconds since(io::Clock::time_point began) {
  return std::chrono::duration_cast<milliseconds>(io::Clock::now() - began);
}

}  // namespace

Waits::Waits(asio::any_io_executor loop, const InForce& in_force, const io::Resolver& resolver,
             BackendHealth& health, Drains& drains)
    : loop_(std::move(loop)), in_force_(in_force), resolver_(resolver), health_(health), drains_(drains) {}

asio::awaitable<Result<protocol::Waited>> Waits::wait(protocol::Wait message) {
  if (auto problem = missing_member(in_force_.state, resolver_, message.target)) co_return *problem;
  const auto began = io::Clock::now();
  const bool healthy = message.condition == protocol::Wait::Condition::healthy;
  const auto limit = limit_after(message.timeout);
  bool reached = false;
  if (healthy)
    reached = co_await until_healthy(message.target, limit);
  else
    reached = co_await until_drained(message.target, limit);
  if (auto gone = state::missing(in_force_.state, message.target); gone && healthy) co_return *gone;
  if (!reached) co_return not_reached(message, since(began));
  protocol::Waited waited;
  waited.target = message.target;
  waited.took = since(began);
  if (!healthy) waited.drained = drained_sum(message.target);
  co_return waited;
}

// Healthy is known to be up; without a health check nothing more can be known than that it is not ejected.
bool Waits::is_healthy(const route::Backend& backend, bool serves, ProbeMarks& marks) const {
  const health::MonitoredBackend* monitored = health_.registry.find(backend.live->id);
  const observe::Health health = backend.live->health.load();
  if (!monitored || !monitored->check)
    return health == observe::Health::up || health == observe::Health::unknown;
  if (health != observe::Health::up) return false;
  if (serves) return true;
  const auto mark = marks.try_emplace(monitored->live->id, monitored->probed.count + 1).first->second;
  const auto since = std::max(mark, monitored->probed.last_failed);
  return monitored->probed.count >= since + static_cast<std::uint64_t>(monitored->check->rise);
}

// A backend that is out of the traffic, itself or with its pool, is perhaps being renewed at this moment:
// what was seen of it before does not count, `rise` probes that began after the question do.
asio::awaitable<bool> Waits::until_healthy(Target target, io::Clock::time_point limit) {
  ProbeMarks marks;
  for (const route::Backend* backend : backends_of(in_force_, target))
    if (const health::MonitoredBackend* monitored = health_.registry.find(backend->live->id);
        monitored && monitored->check)
      health_.prober.hurry(monitored->live->id, monitored->check->rise + 1);
  while (true) {
    if (state::missing(in_force_.state, target)) co_return false;
    const auto backends = backends_of(in_force_, target);
    bool all = !backends.empty();
    const bool shared = in_force_.state.service(target.service)->pool(target.pool)->share > 0;
    for (const route::Backend* backend : backends)
      all = is_healthy(*backend, shared && backend->admin == observe::Admin::ready, marks) && all;
    if (all) co_return true;
    // A probe of a backend that stays up notifies nobody: looked at again with every poll.
    const auto next = std::min(limit, io::Clock::now() + Drains::kPoll);
    if (!co_await health_.registry.changed().wait_until(next) && io::Clock::now() >= limit) co_return false;
  }
}

Problem Waits::not_reached(const protocol::Wait& message, milliseconds took) const {
  const std::string name = protocol::to_string(message.target);
  const bool drained = message.condition == protocol::Wait::Condition::drained;
  auto problem = protocol::timed_out(name + " is not " + protocol::to_string(message.condition) + " after " +
                                     duration_text(took));
  const auto backends = backends_of(in_force_, message.target);
  const bool draining = std::all_of(backends.begin(), backends.end(), [](const route::Backend* backend) {
    return backend->admin != observe::Admin::ready;
  });
  if (!drained || draining) return problem;
  const auto* pool = in_force_.state.service(message.target.service)->pool(message.target.pool);
  problem.detail += pool->share > 0 ? ": it has " + format_share(pool->share) + " of the requests"
                                    : ": requests can still reach it, though it has no share";
  const route::Service* routed = in_force_.routed(message.target.service);
  const route::Pool* from = routed ? find_pool(*routed, message.target.pool) : nullptr;
  const bool others = from && std::any_of(from->backends.begin(), from->backends.end(), [&](const auto& one) {
                        return eligible_in(*from, one) && !message.target.backend.empty() &&
                               one.name != message.target.backend;
                      });
  if (pool->share == 0 || others || !from)
    problem.suggestion = "sluicectl drain " + name + " begins to drain it";
  else
    problem.suggestion =
        health::way_out({routed->spec.name, from->name, pool->share}, *routed, in_force_.state);
  return problem;
}

// No request of its service goes to the pool: it has no share, it neither rescues nor gets copies, no
// listener leads there, and no request waits for a slot. What is in flight there is not asked here.
bool Waits::is_left(const Target& target) const {
  const route::Service* service = in_force_.routed(target.service);
  const route::Pool* pool = service ? find_pool(*service, target.pool) : nullptr;
  if (!pool || pool->share > 0) return false;
  const bool rescues = service->spec.retries.rescue_stable && &service->pools[service->rescue] == pool;
  const auto* kept = in_force_.state.service(target.service);
  if (rescues || (kept->mirror && kept->mirror->pool == target.pool)) return false;
  if (kept->rollout && kept->rollout->active() &&
      (kept->rollout->from == target.pool || kept->rollout->to == target.pool))
    return false;
  for (const auto& listener : in_force_.spec.listeners)
    for (const auto& [name, fixed] : listener.pools)
      if (name == target.service && fixed == target.pool) return false;
  std::uint64_t placed = 0;
  for (const auto& backend : pool->backends) placed += backend.live->in_flight_anywhere();
  return sums_of(*pool->live).in_flight <= placed;
}

// A backend that is gone is drained as well, and so is a backend with nothing in flight in a pool that was
// left: both can be stopped.
asio::awaitable<bool> Waits::until_drained(Target target, io::Clock::time_point limit) {
  while (true) {
    const auto backends = backends_of(in_force_, target);
    const bool left = is_left(target);
    const bool all = std::all_of(backends.begin(), backends.end(), [&](const route::Backend* backend) {
      return is_drained(*backend) || (left && backend->live->in_flight_anywhere() == 0);
    });
    if (all) co_return true;
    // A backend that is not draining yet may begin to: looked at again with every poll.
    const auto next = std::min(limit, io::Clock::now() + 10 * Drains::kPoll);
    co_await drains_.changed().wait_until(next);
    if (io::Clock::now() >= limit) co_return false;
  }
}

asio::awaitable<bool> Waits::while_draining(Target target) {
  while (true) {
    bool all = true;
    for (const route::Backend* backend : backends_of(in_force_, target)) {
      if (backend->admin == observe::Admin::ready) co_return false;
      all = all && is_drained(*backend);
    }
    if (all) co_return true;
    co_await drains_.changed().wait();
  }
}

asio::awaitable<bool> Waits::until_idle(Pools pools, io::Clock::time_point limit) {
  asio::steady_timer timer(loop_);
  while (in_flight_of(pools) > 0) {
    if (io::Clock::now() >= limit) co_return false;
    timer.expires_after(Drains::kPoll);
    co_await timer.async_wait(asio::use_awaitable);
  }
  co_return true;
}

bool Waits::is_drained(const route::Backend& backend) const {
  if (backend.admin == observe::Admin::maint) return backend.live->in_flight_anywhere() == 0;
  const Drain* drain = drains_.find(backend.live->id);
  return drain && drain->finished;
}

protocol::Drained Waits::drained_sum(const Target& target) const {
  protocol::Drained sum;
  for (const route::Backend* backend : backends_of(in_force_, target)) {
    const Drain* drain = drains_.find(backend->live->id);
    if (!drain) continue;
    sum.clean += drain->clean();
    sum.forced += drain->forced;
    sum.took = std::max(sum.took, drain->took);
  }
  return sum;
}

std::uint64_t Waits::in_flight_of(const Pools& pools) const {
  std::uint64_t sum = 0;
  for (const auto& [service, pool] : pools)
    for (const route::Backend* backend : backends_of(in_force_, {service, pool, ""}))
      sum += backend->live->in_flight_anywhere();
  return sum;
}

std::string Waits::troubles_of(const Target& target) const {
  std::vector<std::string> each;
  for (const route::Backend* backend : backends_of(in_force_, target)) {
    const health::MonitoredBackend* monitored = health_.registry.find(backend->live->id);
    const bool probed = monitored && monitored->check;
    if (probed && monitored->probed.error.empty())
      each.push_back(backend->name + " has not passed " + std::to_string(monitored->check->rise) +
                     " probes yet");
    else if (probed || backend->endpoints.empty())
      each.push_back(backend->name + ": " + (monitored ? monitored->probed.error : backend->unresolved));
    else
      each.push_back(backend->name + " takes no connection");
  }
  return list_of(each);
}

// Where nothing probes, a connection is all that can be known.
asio::awaitable<bool> Waits::until_reachable(Target target, io::Clock::time_point limit) {
  asio::steady_timer timer(loop_);
  while (true) {
    const bool all = co_await all_take_connections(target);
    if (all) co_return true;
    if (io::Clock::now() + kReconnect >= limit) co_return false;
    timer.expires_after(kReconnect);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<bool> Waits::all_take_connections(Target target) {
  const route::SnapshotPtr kept = in_force_.snapshot;  // its backends are looked at over waits
  const auto* service = in_force_.spec.service(target.service);
  const milliseconds time = service ? service->timeouts.connect : config::TimeoutSpec().connect;
  for (const route::Backend* backend : backends_of(in_force_, target)) {
    const health::MonitoredBackend* monitored = health_.registry.find(backend->live->id);
    if (monitored && monitored->check) continue;
    auto work = io::takes_connections(loop_, backend->endpoints, time);
    const bool reached = co_await std::move(work);
    if (!reached) co_return false;
  }
  co_return true;
}

std::uint64_t Waits::under_way(const std::string& service) const {
  const route::Service* routed = in_force_.routed(service);
  return routed ? routed->live->under_way() : 0;
}

asio::awaitable<bool> Waits::until_quiet(std::string service, io::Clock::time_point limit) {
  asio::steady_timer timer(loop_);
  while (!stopped_) {
    const state::ServiceState* kept = in_force_.state.service(service);
    if (!kept || !kept->hold) co_return false;
    if (under_way(service) == 0) co_return true;
    if (io::Clock::now() >= limit) co_return false;
    timer.expires_after(Drains::kPoll);
    co_await timer.async_wait(asio::use_awaitable);
  }
  co_return false;
}

}  // namespace sluice::change
