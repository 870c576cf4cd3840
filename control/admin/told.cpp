#include "control/admin/told.hpp"

#include <algorithm>

namespace sluice::admin {
namespace {

using observe::Told;

bool is_counted(const route::Pool& pool) {
  const auto asked = [](const observe::PoolCounters& worker) { return worker.requests.get() > 0; };
  return std::ranges::any_of(pool.live->per_worker, asked) || std::ranges::any_of(pool.live->previews, asked);
}

bool is_counted(const observe::ServiceCounters& worker) {
  return worker.mirrored.get() + worker.mirror_failed.get() + worker.mirror_dropped.get() +
                 worker.mirror_skipped.get() >
             0 ||
         std::ranges::any_of(worker.to_client, [](const auto& n) { return n.get() > 0; });
}

// Traffic of any kind, or an operator's wish that is about traffic.
bool something_happened(const route::Service& service) {
  return service.hold || service.mirror || service.rollout > 0 || !service.disabled.empty() ||
         service.live->under_way() > 0 ||
         std::ranges::any_of(service.pools, [](const route::Pool& pool) { return is_counted(pool); }) ||
         std::ranges::any_of(service.live->per_worker, [](const auto& worker) { return is_counted(worker); });
}

// Not as configured: taken out or weighed by the operator, or taken out by the machine.
bool is_remarkable(const route::Backend& backend) {
  const observe::Health health = backend.live->health.load();
  return backend.admin != observe::Admin::ready || backend.reweighed || health == observe::Health::down ||
         health == observe::Health::ejected;
}

// A pool without backends could not be set up.
bool is_remarkable(const route::Pool& pool) {
  return pool.backends.empty() ||
         std::ranges::any_of(pool.backends, [](const route::Backend& one) { return is_remarkable(one); });
}

}  // namespace

Told told_of(const route::Service& service, Scale scale) {
  const Told before = service.live->told;
  if (before == Told::all || scale == Scale::small) return Told::all;
  if (std::ranges::any_of(service.pools, [](const route::Pool& pool) { return is_remarkable(pool); }))
    return Told::all;
  if (before == Told::little && !something_happened(service)) return before;
  return scale == Scale::many_backends ? Told::all_but_backends : Told::all;
}

}  // namespace sluice::admin
