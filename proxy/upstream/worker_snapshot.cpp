#include "proxy/upstream/worker_snapshot.hpp"

#include <utility>

namespace sluice::upstream {

WorkerSnapshotPtr WorkerBackends::adopt(route::SnapshotPtr snapshot) {
  auto view = boost::make_local_shared<WorkerSnapshot>();
  std::unordered_map<std::uint32_t, boost::local_shared_ptr<Backend>> backends;
  std::unordered_map<const observe::PoolLive*, boost::local_shared_ptr<route::RoundRobinState>> round_robins;
  for (const route::Service& service : snapshot->services) {
    WorkerService& service_view = view->services.emplace_back();
    service_view.service = &service;
    view->has_grpc_web |= service.spec.grpc_web;
    for (const route::Pool& pool : service.pools) {
      WorkerPool& pool_view = service_view.pools.emplace_back();
      pool_view.pool = &pool;
      auto& round_robin = round_robins_[pool.live.get()];
      if (!round_robin)
        round_robin = boost::make_local_shared<route::RoundRobinState>(worker_ * 0x9E3779B97F4A7C15ull);
      round_robins[pool.live.get()] = pool_view.round_robin = round_robin;
      for (const route::Backend& backend : pool.backends) {
        auto& known = backends_[backend.live->id];
        if (!known) known = boost::make_local_shared<Backend>(backend.live, worker_);
        known->set_protocol(pool.protocol);
        known->set_tls(pool.tls);
        known->set_endpoints(backend.endpoints);
        if (backend.admin != observe::Admin::ready) known->close_idle();
        backends[backend.live->id] = known;
        pool_view.backends.push_back(known);
      }
    }
  }
  for (auto& [id, backend] : backends_)
    if (!backends.contains(id)) backend->leave();
  // Backends that left stay findable while something runs on them: a drain's deadline may have to abort it.
  // And while an HTTP/2 connection to them ends.
  for (auto& [id, backend] : backends_) {
    const bool runs = backend->counters().in_flight.get() > 0 || backend->http2().connections() > 0;
    if (!backends.contains(id) && runs) backends[id] = backend;
  }
  backends_ = std::move(backends);
  round_robins_ = std::move(round_robins);
  view->snapshot = std::move(snapshot);
  return view;
}

Backend* WorkerBackends::find(std::uint32_t id) {
  const auto found = backends_.find(id);
  return found == backends_.end() ? nullptr : found->second.get();
}

}  // namespace sluice::upstream
