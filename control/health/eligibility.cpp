#include "control/health/eligibility.hpp"

#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"
#include "proxy/route/query.hpp"

namespace sluice::health {
namespace {

// The last weight above 0 of those that take requests became 0.
bool lost_its_weights(const route::Pool& was, const route::Pool& now) {
  bool taken = false;
  for (const auto& backend : now.backends) {
    if (!eligible_in(now, backend)) continue;
    if (backend.weight > 0) return false;
    for (const auto& before : was.backends)
      taken = taken || (before.name == backend.name && before.weight > 0 && eligible_in(was, before));
  }
  return taken;
}

// One that the operator took out and that is perhaps well.
const route::Backend* idle_one(const route::Pool& pool) {
  for (const auto& backend : pool.backends)
    if (backend.admin != observe::Admin::ready && backend.live->health.load() != observe::Health::down &&
        backend.live->health.load() != observe::Health::ejected)
      return &backend;
  return nullptr;
}

// Who could take the requests of `lost`: the stable pool, else the one with the largest share.
const route::Pool* other_pool(const route::Service& service, const std::string& lost) {
  const route::Pool* best = nullptr;
  for (const auto& pool : service.pools) {
    if (pool.name == lost || eligible_count(pool) == 0) continue;
    if (&pool == &service.pools[service.stable]) return &pool;
    if (!best || pool.share > best->share) best = &pool;
  }
  return best;
}

std::string reasons(const route::Pool& pool, const HealthRegistry& registry) {
  if (pool.backends.empty()) return "it has no backend that could be reached";
  std::vector<std::string> each;
  for (const auto& backend : pool.backends) each.push_back(why_not(backend, registry));
  return list_of(each);
}

protocol::Problem unservable(const std::string& service, const route::Pool& pool,
                             const HealthRegistry& registry) {
  const std::string name = service + "/" + pool.name;
  const bool taken_out = idle_one(pool) != nullptr;
  const std::string mend =
      taken_out ? "sluicectl ready " + name : "sluicectl wait healthy " + name + " --timeout 1m";
  return protocol::refused(name + " would get " + format_share(pool.share) +
                               " and has no eligible backend: " + reasons(pool, registry),
                           mend + " first, or repeat it with --force");
}

}  // namespace

std::optional<protocol::Problem> refuse_unservable(const route::Snapshot& next,
                                                   const std::vector<state::ServiceDiff>& moved,
                                                   const HealthRegistry& registry) {
  for (const auto& diff : moved) {
    const route::Service* service = find_service(next, diff.service);
    if (!service) continue;
    for (const auto& change : diff.pools) {
      const route::Pool* pool = find_pool(*service, change.pool);
      if (pool && change.after > change.before && eligible_count(*pool) == 0)
        return unservable(diff.service, *pool, registry);
    }
  }
  return std::nullopt;
}

std::optional<protocol::Problem> refuse_unservable(
    const route::Snapshot& next, const std::vector<std::pair<std::string, std::string>>& pools,
    const HealthRegistry& registry) {
  for (const auto& [name, pool_name] : pools) {
    const route::Service* service = find_service(next, name);
    const route::Pool* pool = service ? find_pool(*service, pool_name) : nullptr;
    if (pool && eligible_count(*pool) == 0) return unservable(name, *pool, registry);
  }
  return std::nullopt;
}

std::vector<LostPool> lost_pools(const route::Snapshot& now, const route::Snapshot& next) {
  std::vector<LostPool> lost;
  each_change(now, next, [&](const route::Service* before, const route::Service& service) {
    for (const auto& pool : service.pools) {
      const route::Pool* was = before ? find_pool(*before, pool.name) : nullptr;
      if (!was || pool.share == 0 || eligible_count(*was) == 0) continue;
      const bool weightless = lost_its_weights(*was, pool);
      if (eligible_count(pool) > 0 && !weightless) continue;
      lost.push_back({service.spec.name, pool.name, pool.share, weightless});
    }
  });
  return lost;
}

std::string LostPool::text() const {
  const std::string begin = service + "/" + pool + " has " + format_share(share) + " of the requests and ";
  return begin + (only_weights ? "weight 0 for all its backends: they count alike, so it still takes them"
                               : "no eligible backend any more");
}

std::string way_out(const LostPool& lost, const route::Service& service, const state::State& state) {
  const auto* kept = state.service(lost.service);
  if (kept && kept->rollout && kept->rollout->active())
    return kept->rollout->to == lost.pool ? "sluicectl rollout abort " + lost.service
                                          : "wait for the end of the rollout";
  if (kept && kept->unconfirmed)
    return "sluicectl confirm " + lost.service + " and then a cutover to another pool";
  if (const auto* pool = other_pool(service, lost.pool))
    return "give its requests to another pool first: sluicectl cutover " + lost.service + "=" + pool->name;
  return "there is no other pool that could take its requests: bring one more backend up first";
}

protocol::Problem refuse_loss(const LostPool& lost, const route::Snapshot& next, const state::State& state,
                              const HealthRegistry& registry) {
  const route::Service& service = *find_service(next, lost.service);
  const route::Pool& pool = *find_pool(service, lost.pool);
  std::string detail =
      lost.service + "/" + lost.pool + " has " + format_share(lost.share) + " of the requests and would ";
  if (lost.only_weights)
    detail += "have weight 0 for all its backends, which would not keep requests from it: they count alike";
  else
    detail += "have no eligible backend any more: " + reasons(pool, registry);
  return protocol::refused(detail + "; nothing was changed",
                           way_out(lost, service, state) + ", or repeat it with --force");
}

std::string_view to_string(observe::Health health) {
  switch (health) {
    case observe::Health::unknown:
      return "unknown";
    case observe::Health::up:
      return "up";
    case observe::Health::down:
      return "down";
    case observe::Health::ejected:
      return "ejected";
  }
  return "unknown";
}

std::string why_not(const route::Backend& backend, const HealthRegistry& registry) {
  if (backend.admin != observe::Admin::ready)
    return backend.name + " is " + std::string(state::to_string(backend.admin));
  const observe::Health health = backend.live->health.load();
  std::string text = backend.name + " is " + std::string(to_string(health));
  const MonitoredBackend* monitored = registry.find(backend.live->id);
  if (monitored && !monitored->probed.error.empty()) text += " (" + monitored->probed.error + ")";
  return text;
}

}  // namespace sluice::health
