#include "control/change/registry.hpp"

#include <set>

#include "proxy/route/query.hpp"

namespace sluice::change {
namespace {

std::size_t named_by(const route::Service& service) {
  std::size_t count = 1 + service.pools.size();
  for (const auto& pool : service.pools) count += pool.backends.size();
  return count;
}

std::size_t named_by(const route::Snapshot& in_force) {
  std::size_t count = 0;
  for (const auto& service : in_force.services) count += named_by(service);
  return count;
}

}  // namespace

std::shared_ptr<observe::ServiceLive> Registry::service(const std::string& service) {
  auto& live = services_[service];
  if (!live) live = std::make_shared<observe::ServiceLive>(workers_);
  return live;
}

std::shared_ptr<observe::PoolLive> Registry::pool(const std::string& service, const std::string& pool) {
  auto& live = pools_[PoolKey(service, pool)];
  if (!live) live = std::make_shared<observe::PoolLive>(workers_);
  return live;
}

std::shared_ptr<observe::BackendLive> Registry::backend(const std::string& service, const std::string& pool,
                                                        const std::string& name, const std::string& address) {
  auto& live = backends_[BackendKey(service, pool, name, address)];
  if (!live) live = std::make_shared<observe::BackendLive>(next_id_++, workers_);
  return live;
}

// Snapshots with the same routes have the same services.
void Registry::follow(const route::Snapshot& before, const route::Snapshot& in_force) {
  if (before.routes != in_force.routes)
    named_ = named_by(in_force);
  else
    each_change(before, in_force, [this](const route::Service* was, const route::Service& is) {
      named_ = named_ + named_by(is) - named_by(*was);
    });
  if (size() != named_) keep_only(in_force);
}

void Registry::keep_only(const route::Snapshot& in_force) {
  std::set<const void*> named;
  for (const auto& service : in_force.services) {
    named.insert(service.live.get());
    for (const auto& pool : service.pools) {
      named.insert(pool.live.get());
      for (const auto& backend : pool.backends) named.insert(backend.live.get());
    }
  }
  const auto unnamed = [&named](const auto& entry) { return !named.contains(entry.second.get()); };
  std::erase_if(services_, unnamed);
  std::erase_if(pools_, unnamed);
  std::erase_if(backends_, unnamed);
}

}  // namespace sluice::change
