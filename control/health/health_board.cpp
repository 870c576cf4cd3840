#include "control/health/health_board.hpp"

#include <algorithm>
#include <set>

#include "proxy/route/query.hpp"

namespace sluice::health {

using observe::Health;

std::string to_string(const Watched& backend) {
  return backend.service + "/" + backend.pool + "/" + backend.name;
}

HealthBoard::HealthBoard(boost::asio::any_io_executor loop, std::function<io::Clock::time_point()> now)
    : notifier_(std::move(loop)), now_(std::move(now)) {}

void HealthBoard::adopt(route::SnapshotPtr snapshot) {
  const bool first = snapshot_ == nullptr;
  snapshot_ = std::move(snapshot);
  std::set<std::uint32_t> named;
  for (const auto& service : snapshot_->services)
    for (const auto& pool : service.pools)
      for (const auto& wanted : pool.backends) {
        const auto [place, is_new] = watched_.try_emplace(wanted.live->id);
        // Those that the daemon starts with have long been running: no slow start.
        if (is_new) place->second.usable = first;
        refresh(place->second, service, pool, wanted);
        named.insert(wanted.live->id);
      }
  std::erase_if(watched_, [&named](const auto& entry) { return !named.contains(entry.first); });
  for (auto& [id, backend] : watched_) settle(backend);
  notifier_.notify();
}

void HealthBoard::refresh(Watched& backend, const route::Service& service, const route::Pool& pool,
                          const route::Backend& wanted) {
  backend.service = service.spec.name;
  backend.pool = pool.name;
  backend.name = wanted.name;
  backend.authority = wanted.authority;
  move(backend, wanted);
  backend.tls = pool.tls;
  backend.proxy_protocol = pool.proxy_protocol;
  backend.admin = wanted.admin;
  backend.check = service.spec.health_check;
  backend.outlier = service.spec.outlier;
  backend.slow_start = service.spec.slow_start;
  backend.live = wanted.live;
  backend.pool_live = pool.live;
  if (backend.check) {
    backend.probed.set_counts(backend.check->rise, backend.check->fall);
  } else {
    backend.probed = HealthState(1, 2);
    backend.last_error = wanted.unresolved;
  }
}

// What was seen at the old addresses says nothing of the new ones, when none of them is left.
void HealthBoard::move(Watched& backend, const route::Backend& wanted) {
  backend.looked_up = wanted.looked_up;
  if (backend.endpoints == wanted.endpoints) {
    if (wanted.endpoints.empty()) backend.last_error = wanted.unresolved;
    return;
  }
  const auto is_old = [&](const route::Endpoint& endpoint) {
    return std::find(backend.endpoints.begin(), backend.endpoints.end(), endpoint) != backend.endpoints.end();
  };
  const bool elsewhere =
      !backend.endpoints.empty() && std::none_of(wanted.endpoints.begin(), wanted.endpoints.end(), is_old);
  if (backend.endpoints.empty()) backend.last_error.clear();
  backend.endpoints = wanted.endpoints;
  if (elsewhere) wanted.live->consecutive_errors.store(0);
  if (elsewhere && backend.ejected && on_cleared) on_cleared(wanted.live->id, "it is at another address");
}

void HealthBoard::observed(std::uint32_t id, const ProbeResult& result, io::Clock::time_point began) {
  const auto found = watched_.find(id);
  if (found == watched_.end() || result.ours) return;
  Watched& backend = found->second;
  backend.last_error = result.ok ? "" : result.what;
  ++backend.probes;
  if (!result.ok) backend.last_failed = backend.probes;
  const bool after = backend.ejected && began >= backend.ejected_at;
  if (after) backend.passed_since = result.ok ? backend.passed_since + 1 : 0;
  if (backend.probed.observe(result.ok)) settle(backend);
  if (!after || !backend.check || backend.passed_since < backend.check->rise || !on_cleared) return;
  on_cleared(id, std::to_string(backend.passed_since) +
                     (backend.passed_since == 1 ? " probe was passed" : " probes in a row were passed"));
}

void HealthBoard::set_ejected(std::uint32_t id, bool ejected) {
  const auto found = watched_.find(id);
  if (found == watched_.end() || found->second.ejected == ejected) return;
  found->second.ejected = ejected;
  found->second.ejected_at = io::Clock::now();
  found->second.passed_since = 0;
  settle(found->second);
}

const Watched* HealthBoard::find(std::uint32_t id) const {
  const auto found = watched_.find(id);
  return found == watched_.end() ? nullptr : &found->second;
}

HealthBoard::Standing HealthBoard::standing(std::uint32_t id) const {
  const Watched* backend = find(id);
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
void HealthBoard::settle(Watched& backend) {
  const Health from = backend.live->health.load();
  const Health known = backend.endpoints.empty() ? Health::down : backend.probed.health();
  const Health to = backend.ejected ? Health::ejected : known;
  ramp(backend);
  if (from == to) return;
  backend.live->health.store(to);
  notifier_.notify();
  if (on_flip) on_flip(backend, from);
}

// Written before the health, so that no worker sees the backend come back at full weight.
void HealthBoard::ramp(Watched& backend) {
  const bool probed_up = backend.probed.health() == Health::up;
  const bool unknown_yet = backend.check && backend.probed.health() == Health::unknown;
  const bool usable = backend.admin == observe::Admin::ready && !backend.ejected &&
                      !backend.endpoints.empty() && (probed_up || !backend.check);
  if (unknown_yet && backend.admin == observe::Admin::ready && !backend.ejected) return;
  if (usable && !backend.usable && backend.slow_start.count() > 0) {
    const auto since_epoch = now_().time_since_epoch();
    backend.live->ramp_started_micros.store(
        std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count());
  }
  backend.usable = usable;
}

}  // namespace sluice::health
