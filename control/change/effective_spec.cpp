#include "control/change/effective_spec.hpp"

#include "proxy/base/origin.hpp"

namespace sluice::change {
namespace {

config::BackendSpec spec_of(const state::BackendState& backend) {
  config::BackendSpec made;
  made.name = backend.name;
  if (const auto address = parse_origin(backend.address)) made.address = *address;
  made.every_address = backend.every_address;
  made.weight = backend.weight;
  return made;
}

}  // namespace

config::Spec effective_spec(config::Spec spec, const state::State& state) {
  for (auto& service : spec.services) {
    const state::ServiceState* kept = state.service(service.name);
    if (!kept) continue;
    service.stable = kept->stable();
    service.split.clear();
    for (const auto& pool : kept->pools) service.split.emplace_back(pool.name, pool.share);
    for (auto& pool : service.pools) {
      const state::PoolState* wanted = kept->pool(pool.name);
      if (!wanted) continue;
      pool.backends.clear();
      for (const auto& backend : wanted->backends) pool.backends.push_back(spec_of(backend));
    }
  }
  return spec;
}

}  // namespace sluice::change
