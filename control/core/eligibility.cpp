#include "control/core/eligibility.hpp"

#include "control/core/publisher.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"

namespace sluice::core {
namespace {

// "127.0.0.1:9101 is down (connect: Connection refused)"
std::string why_not(const route::Backend& backend, const HealthBoard& board) {
  if (backend.admin != observe::Admin::ready)
    return backend.name + " is " + std::string(state::to_string(backend.admin));
  const observe::Health health = backend.live->health.load();
  std::string text = backend.name + " is " + std::string(to_string(health));
  const Watched* watched = board.find(backend.live->id);
  if (watched && !watched->last_error.empty()) text += " (" + watched->last_error + ")";
  return text;
}

std::string reasons(const route::Pool& pool, const HealthBoard& board) {
  if (pool.backends.empty()) return "it has no backend that could be reached";
  std::vector<std::string> each;
  for (const auto& backend : pool.backends) each.push_back(why_not(backend, board));
  return list_of(each);
}

protocol::Problem unservable(const std::string& service, const route::Pool& pool, const HealthBoard& board) {
  const std::string name = service + "/" + pool.name;
  return protocol::refused(name + " would get " + format_share(pool.share) +
                               " and has no eligible backend: " + reasons(pool, board),
                           "sluicectl wait healthy " + name + ", or repeat it with --force");
}

}  // namespace

std::optional<protocol::Problem> refuse_unservable(const route::Snapshot& next,
                                                   const std::vector<state::ServiceDiff>& moved,
                                                   const HealthBoard& board) {
  for (const auto& diff : moved) {
    const route::Service* service = find_service(next, diff.service);
    if (!service) continue;
    for (const auto& change : diff.pools) {
      const route::Pool* pool = find_pool(*service, change.pool);
      if (pool && change.after > change.before && eligible_count(*pool) == 0)
        return unservable(diff.service, *pool, board);
    }
  }
  return std::nullopt;
}

std::vector<std::string> lost_pools(const route::Snapshot& now, const route::Snapshot& next) {
  std::vector<std::string> lost;
  for (const auto& service : next.services) {
    const route::Service* before = find_service(now, service.spec.name);
    for (const auto& pool : service.pools) {
      const route::Pool* was = before ? find_pool(*before, pool.name) : nullptr;
      if (!was || pool.share == 0 || eligible_count(*was) == 0 || eligible_count(pool) > 0) continue;
      lost.push_back(service.spec.name + "/" + pool.name + " has " + format_share(pool.share) +
                     " of the requests and no eligible backend any more");
    }
  }
  return lost;
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

}  // namespace sluice::core
