#include "control/change/way_back_watch.hpp"

#include <algorithm>

#include "control/change/invocation.hpp"
#include "proxy/route/query.hpp"
#include "proxy/tls/certificate.hpp"

namespace sluice::change {
namespace {

using rollout::Debounce;

constexpr std::chrono::minutes kUntilPeak{2};

// Which pool would get the requests, and until when it is kept; empty: there is no way back.
struct Goal {
  std::string pool;
  std::optional<std::chrono::milliseconds> left;
};
Goal goal_of(const state::ServiceState& service, std::int64_t now) {
  if (service.rollout && service.rollout->active()) return {service.rollout->from, {}};
  const auto& retained = service.retained;
  if (!retained || retained->until <= now || retained->pools.empty()) return {};
  const std::string& pool = retained->pools.front();
  const auto* kept = service.pool(pool);
  if (!kept || kept->share == kWhole) return {};
  return {pool, std::chrono::milliseconds(retained->until - now)};
}

bool is_probed(const route::Service& service) { return service.spec.health_check.has_value(); }

}  // namespace

std::optional<protocol::RollbackStatus> WayBackWatch::of(const state::ServiceState& service) const {
  const Goal goal = goal_of(service, unix_milliseconds());
  const route::Service* routed = goal.pool.empty() ? nullptr : in_force_.routed(service.name);
  const route::Pool* pool = routed ? find_pool(*routed, goal.pool) : nullptr;
  if (!pool) return std::nullopt;
  rollout::WayBack way = look(*routed, *pool);
  way.left = goal.left;
  return status_of(way);
}

rollout::WayBack WayBackWatch::look(const route::Service& service, const route::Pool& pool) const {
  const auto now = io::Clock::now();
  rollout::WayBack way;
  way.pool = pool.name;
  for (const auto& other : service.pools) {
    const auto minute = recent_.of(*other.live).last(PoolWindow::kWindow, *other.live, now);
    if (minute.seconds > 0) way.rate += static_cast<double>(minute.requests) / minute.seconds;
    way.in_flight += static_cast<double>(sums_of(*other.live).in_flight);
  }
  // A peak is a whole minute's: before there was one, what was seen so far would pass for it.
  if (now - recent_.followed(now) >= kUntilPeak)
    way.peak_per_backend = recent_.memory_of(*pool.live).last_day(now).rate_per_backend;
  way.certificate = expired(service.spec.name, pool.name);
  add_backends(way, service, pool);
  return way;
}

void WayBackWatch::add_backends(rollout::WayBack& way, const route::Service& service,
                                const route::Pool& pool) const {
  bool limited = true;
  way.backends = pool.backends.size();
  for (const auto& backend : pool.backends) {
    const auto* monitored = health_.find(backend.live->id);
    if (!eligible_in(pool, backend)) {
      if (way.trouble.empty() && monitored) way.trouble = monitored->probed.error;
      if (way.trouble.empty()) way.trouble = backend.unresolved;
      continue;
    }
    ++way.up;
    way.unprobed += is_probed(service) && backend.live->health.load() == observe::Health::unknown;
    way.capacity += backend.max_in_flight;
    limited = limited && backend.max_in_flight > 0;
    std::uint64_t open = 0, used = 0;
    for (const auto& worker : backend.live->per_worker) {
      open += worker.connections.get();
      used += worker.in_flight.get();
    }
    way.idle_connections += open > used ? open - used : 0;
  }
  if (!limited) way.capacity = 0;
}

std::string WayBackWatch::expired(const std::string& service, const std::string& pool) const {
  const config::ServiceSpec* configured = in_force_.spec.service(service);
  if (!configured) return {};
  for (const auto& one : configured->pools) {
    if (one.name != pool || !one.tls || one.tls->cert.empty()) continue;
    Shown& shown = shown_[one.tls->cert];
    if (shown.digest != one.tls->digest || shown.not_after == 0)
      shown = {one.tls->digest, tls::load_certificate({one.tls->cert, one.tls->key, {}}).not_after};
    if (shown.not_after > 0 && shown.not_after * 1000 <= unix_milliseconds())
      return "shows its backends a certificate that has expired (" + one.tls->cert + ")";
  }
  return {};
}

void WayBackWatch::tick() {
  const auto now = io::Clock::now();
  std::erase_if(watched_, [this](const auto& entry) {
    const auto* service = in_force_.state.service(entry.first);
    return !service || goal_of(*service, unix_milliseconds()).pool != entry.second.pool;
  });
  for (const auto& service : in_force_.state.services) {
    const auto status = of(service);
    if (!status) continue;
    Watched& watched = watched_[service.name];
    watched.pool = status->pool;
    tell(service.name, *status, watched.debounce.look(status->ready, now));
  }
}

void WayBackWatch::tell(const std::string& service, const protocol::RollbackStatus& status,
                        Debounce::Told told) {
  if (told == Debounce::Told::nothing) return;
  boost::json::object detail{{"pool", status.pool},
                             {"ready", status.ready},
                             {"up", status.up},
                             {"backends", status.backends},
                             {"text", status.text}};
  if (status.peak_ratio) detail["peak_ratio"] = *status.peak_ratio;
  if (told == Debounce::Told::lost)
    recorder_.warn("rollback", service, service + " cannot go back: " + status.text, std::move(detail));
  else
    recorder_.info("rollback", service, service + " can go back to " + status.pool + " again: " + status.text,
                   std::move(detail));
}

}  // namespace sluice::change
