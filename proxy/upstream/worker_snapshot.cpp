#include "proxy/upstream/worker_snapshot.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace sluice::upstream {
namespace {

bool names(const WorkerService* service, const Backend& backend) {
  return service && std::ranges::any_of(service->pools, [&backend](const WorkerPool& pool) {
           return std::ranges::any_of(pool.backends,
                                      [&backend](const auto& one) { return one.get() == &backend; });
         });
}

// Where a service stands now: mostly where it stood.
class Places {
 public:
  explicit Places(const SharedList<route::Service>& services) : services_(services) {}

  // services.size(): nowhere.
  std::size_t of(const std::string& name, std::size_t before) {
    if (before < services_.size() && services_[before].spec.name == name) return before;
    if (by_name_.empty())
      for (std::size_t i = 0; i < services_.size(); ++i) by_name_.emplace(services_[i].spec.name, i);
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? services_.size() : found->second;
  }

 private:
  const SharedList<route::Service>& services_;
  std::unordered_map<std::string_view, std::size_t> by_name_;  // empty: not needed yet
};

}  // namespace

const WorkerService& WorkerSnapshot::make(std::size_t place) const {
  services_[place] = backends_.make(snapshot->services[place], nullptr);
  return *services_[place];
}

WorkerSnapshotPtr WorkerBackends::adopt(route::SnapshotPtr snapshot) {
  const WorkerSnapshotPtr view = boost::make_local_shared<WorkerSnapshot>(std::move(snapshot), *this);
  if (const auto before = std::exchange(view_, view)) carry_over(*before, *view);
  forget_left();
  return view;
}

// Of services that nobody asked for there is nothing to be kept.
void WorkerBackends::carry_over(const WorkerSnapshot& before, const WorkerSnapshot& view) {
  const auto &was = before.snapshot->services, &is = view.snapshot->services;
  Places places(is);
  for (std::size_t i = 0; i < was.size(); ++i) {
    const ServicePtr& known = before.services_[i];
    if (!known) continue;
    if (i < is.size() && is.same(i, was, i)) {
      view.services_[i] = known;
      continue;
    }
    const std::size_t place = places.of(was[i].spec.name, i);
    const bool is_there = place < is.size();
    if (is_there) view.services_[place] = make(is[place], known.get());
    leave(*known, is_there ? view.services_[place].get() : nullptr);
  }
}

WorkerBackends::ServicePtr WorkerBackends::make(const route::Service& service, const WorkerService* before) {
  auto made = boost::make_local_shared<WorkerService>();
  made->service = &service;
  for (const route::Pool& pool : service.pools) {
    WorkerPool& view = made->pools.emplace_back();
    view.pool = &pool;
    if (before)
      for (const auto& was : before->pools)
        if (was.pool->live == pool.live) view.round_robin = was.round_robin;
    if (!view.round_robin)
      view.round_robin = boost::make_local_shared<route::RoundRobinState>(worker_ * 0x9E3779B97F4A7C15ull);
    for (const route::Backend& wanted : pool.backends) view.backends.push_back(backend(pool, wanted));
  }
  return made;
}

boost::local_shared_ptr<Backend> WorkerBackends::backend(const route::Pool& pool,
                                                         const route::Backend& wanted) {
  std::erase(left_, wanted.live->id);
  auto& known = backends_[wanted.live->id];
  if (!known) known = boost::make_local_shared<Backend>(wanted.live, worker_);
  known->set_protocol(pool.protocol);
  known->set_tls(pool.tls);
  known->set_endpoints(wanted.endpoints);
  if (wanted.admin != observe::Admin::ready) known->close_idle();
  return known;
}

void WorkerBackends::leave(const WorkerService& before, const WorkerService* after) {
  for (const auto& pool : before.pools)
    for (const auto& backend : pool.backends) {
      if (names(after, *backend)) continue;
      backend->leave();
      left_.push_back(backend->id());
    }
}

// Backends that left stay findable while something runs on them: a drain's deadline may have to abort it. And
// while an HTTP/2 connection to them ends.
void WorkerBackends::forget_left() {
  std::erase_if(left_, [this](std::uint32_t id) {
    const auto found = backends_.find(id);
    if (found == backends_.end()) return true;
    Backend& backend = *found->second;
    if (backend.counters().in_flight.get() > 0 || backend.http2().connections() > 0) return false;
    backends_.erase(found);
    return true;
  });
}

Backend* WorkerBackends::find(std::uint32_t id) {
  const auto found = backends_.find(id);
  return found == backends_.end() ? nullptr : found->second.get();
}

}  // namespace sluice::upstream
