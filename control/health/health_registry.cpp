#include "control/health/health_registry.hpp"

#include <algorithm>

#include "proxy/route/query.hpp"

namespace sluice::health {

using observe::Health;

std::string to_string(const MonitoredBackend& backend) {
  return backend.service + "/" + backend.pool + "/" + backend.name;
}

HealthRegistry::HealthRegistry(boost::asio::any_io_executor loop, std::function<io::Clock::time_point()> now)
    : changed_(std::move(loop)), now_(std::move(now)) {}

std::vector<std::uint32_t> HealthRegistry::adopt(route::SnapshotPtr snapshot) {
  const bool first = snapshot_ == nullptr;
  const route::SnapshotPtr before = first ? std::make_shared<const route::Snapshot>() : snapshot_;
  snapshot_ = std::move(snapshot);
  std::vector<std::uint32_t> touched;
  each_change(*before, *snapshot_, [&](const route::Service*, const route::Service& service) {
    for (const auto& pool : service.pools)
      for (const auto& wanted : pool.backends) {
        const auto [place, is_new] = backends_.try_emplace(wanted.live->id);
        // Those that the daemon starts with have long been running: no slow start.
        if (is_new) place->second.usable = first;
        refresh(place->second, service, pool, wanted);
        touched.push_back(wanted.live->id);
      }
  });
  const std::size_t there = touched.size();
  forget_gone(*before, touched);
  for (std::size_t i = 0; i < there; ++i) settle(backends_.at(touched[i]));
  changed_.notify();
  return touched;
}

void HealthRegistry::forget_gone(const route::Snapshot& before, std::vector<std::uint32_t>& touched) {
  if (before.routes == snapshot_->routes)  // the services are the same
    return each_change(before, *snapshot_, [&](const route::Service* was, const route::Service&) {
      forget_if_gone(*was, touched);
    });
  for (const auto& service : before.services) forget_if_gone(service, touched);
}

// Those of `before` that its service has no more.
void HealthRegistry::forget_if_gone(const route::Service& before, std::vector<std::uint32_t>& touched) {
  const route::Service* now = find_service(*snapshot_, before.spec.name);
  const auto is_there = [now](std::uint32_t id) {
    return now && std::ranges::any_of(now->pools, [id](const route::Pool& pool) {
             return std::ranges::any_of(pool.backends, [id](const auto& one) { return one.live->id == id; });
           });
  };
  for (const auto& pool : before.pools)
    for (const auto& backend : pool.backends) {
      const std::uint32_t id = backend.live->id;
      if (is_there(id)) continue;
      backends_.erase(id);
      touched.push_back(id);
    }
}

void HealthRegistry::refresh(MonitoredBackend& backend, const route::Service& service,
                             const route::Pool& pool, const route::Backend& wanted) {
  backend.service = service.spec.name;
  backend.pool = pool.name;
  backend.name = wanted.name;
  move(backend, wanted);
  backend.to.address = wanted.authority;
  backend.to.tls = pool.tls;
  backend.to.proxy_protocol = pool.proxy_protocol;
  backend.to.protocol = pool.protocol;
  backend.admin = wanted.admin;
  backend.check = service.spec.health_check;
  backend.outlier = service.spec.outlier;
  backend.slow_start = service.spec.slow_start;
  backend.live = wanted.live;
  backend.pool_live = pool.live;
  if (backend.check) {
    backend.probed.health.set_counts(backend.check->rise, backend.check->fall);
  } else {
    backend.probed.health = HealthState(1, 2);
    backend.probed.error = wanted.unresolved;
  }
}

// What was seen at the old addresses says nothing of the new ones, when none of them is left.
void HealthRegistry::move(MonitoredBackend& backend, const route::Backend& wanted) {
  backend.looked_up = wanted.looked_up;
  if (backend.to.endpoints == wanted.endpoints) {
    if (wanted.endpoints.empty()) backend.probed.error = wanted.unresolved;
    return;
  }
  const auto is_old = [&](const route::Endpoint& endpoint) {
    return std::find(backend.to.endpoints.begin(), backend.to.endpoints.end(), endpoint) !=
           backend.to.endpoints.end();
  };
  const bool elsewhere =
      !backend.to.endpoints.empty() && std::none_of(wanted.endpoints.begin(), wanted.endpoints.end(), is_old);
  if (backend.to.endpoints.empty()) backend.probed.error.clear();
  backend.to.endpoints = wanted.endpoints;
  if (elsewhere) wanted.live->consecutive_errors.store(0);
  if (elsewhere && backend.ejection && on_cleared) on_cleared(wanted.live->id, "it is at another address");
}

void HealthRegistry::observed(std::uint32_t id, const ProbeResult& result, io::Clock::time_point began) {
  const auto found = backends_.find(id);
  if (found == backends_.end() || result.ours) return;
  MonitoredBackend& backend = found->second;
  ProbeRecord& probed = backend.probed;
  probed.error = result.ok ? "" : result.what;
  ++probed.count;
  if (!result.ok) probed.last_failed = probed.count;
  const bool after = backend.ejection && began >= backend.ejection->began;
  const int passed = after && result.ok ? backend.ejection->passed_since + 1 : 0;
  if (after) backend.ejection->passed_since = passed;
  if (probed.health.observe(result.ok)) settle(backend);
  if (!after || !backend.check || passed < backend.check->rise || !on_cleared) return;
  on_cleared(id,
             std::to_string(passed) + (passed == 1 ? " probe was passed" : " probes in a row were passed"));
}

void HealthRegistry::set_ejected(std::uint32_t id, bool ejected) {
  const auto found = backends_.find(id);
  if (found == backends_.end() || found->second.ejection.has_value() == ejected) return;
  found->second.ejection.reset();
  if (ejected) found->second.ejection.emplace(Ejection{io::Clock::now(), 0});
  settle(found->second);
}

// A moment that is not yet is another clock's.
void HealthRegistry::remember(std::uint32_t id, const KnownProbes& known) {
  MonitoredBackend& backend = backends_.at(id);
  if (backend.check) {
    backend.probed.health.remember(known.health);
    backend.probed.error = known.error;
  }
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(now_().time_since_epoch()).count();
  backend.live->ramp_started_micros.store(std::min<std::int64_t>(known.ramp_began_micros, now));
  backend.usable = known.usable;
  settle(backend);
}

void HealthRegistry::remember(std::uint32_t id, const Ejection& ejection) {
  MonitoredBackend& backend = backends_.at(id);
  backend.ejection = ejection;
  settle(backend);
}

bool HealthRegistry::any_unknown() const {
  return std::any_of(backends_.begin(), backends_.end(), [](const auto& entry) {
    const MonitoredBackend& backend = entry.second;
    return backend.check && !backend.to.endpoints.empty() &&
           backend.probed.health.health() == Health::unknown;
  });
}

const MonitoredBackend* HealthRegistry::find(std::uint32_t id) const {
  const auto found = backends_.find(id);
  return found == backends_.end() ? nullptr : &found->second;
}

HealthRegistry::Standing HealthRegistry::standing(std::uint32_t id) const {
  const MonitoredBackend* backend = find(id);
  if (!backend) return {};
  const route::Service* service = find_service(*snapshot_, backend->service);
  const route::Pool* pool = service ? find_pool(*service, backend->pool) : nullptr;
  if (!pool) return {};
  Standing standing{eligible_count(*pool), false};
  for (const auto& other : pool->backends)
    if (other.live->id == id) standing.is_eligible = eligible_in(*pool, other);
  return standing;
}

// The one value: ejection above what probes say.
void HealthRegistry::settle(MonitoredBackend& backend) {
  const Health from = backend.live->health.load();
  const Health known = backend.to.endpoints.empty() ? Health::down : backend.probed.health.health();
  const Health to = backend.ejection ? Health::ejected : known;
  ramp(backend);
  if (from == to) return;
  backend.live->health.store(to);
  changed_.notify();
  if (on_flip) on_flip(backend, from);
}

// Written before the health, so that no worker sees the backend come back at full weight.
void HealthRegistry::ramp(MonitoredBackend& backend) {
  const bool probed_up = backend.probed.health.health() == Health::up;
  const bool unknown_yet = backend.check && backend.probed.health.health() == Health::unknown;
  const bool usable = backend.admin == observe::Admin::ready && !backend.ejection &&
                      !backend.to.endpoints.empty() && (probed_up || !backend.check);
  if (unknown_yet && backend.admin == observe::Admin::ready && !backend.ejection) return;
  if (usable && !backend.usable && backend.slow_start.count() > 0) {
    const auto since_epoch = now_().time_since_epoch();
    backend.live->ramp_started_micros.store(
        std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count());
  }
  backend.usable = usable;
}

}  // namespace sluice::health
