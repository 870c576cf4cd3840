#include "control/core/replies.hpp"

#include "control/state/diff.hpp"
#include "proxy/base/values.hpp"

namespace sluice::core {
namespace json = boost::json;
namespace {

json::object backend_json(const state::BackendState& backend) {
  return {
      {"address", backend.address}, {"admin", state::to_string(backend.admin)}, {"weight", backend.weight}};
}

}  // namespace

json::value shares_json(const state::State& state, const std::string& service) {
  const state::ServiceState* found = state.service(service);
  if (!found) return nullptr;
  json::object shares;
  for (const auto& pool : found->pools) shares[pool.name] = format_share(pool.share);
  return shares;
}

json::value shares_json(const state::State& state, const std::vector<std::string>& services) {
  json::object all;
  for (const auto& service : services) all[service] = shares_json(state, service);
  return all;
}

json::value hold_json(const state::State& state, const std::string& service) {
  const state::ServiceState* found = state.service(service);
  if (!found) return nullptr;
  if (!found->hold) return {{"traffic", "open"}};
  const route::Hold& hold = *found->hold;
  if (hold.kind == route::Hold::Kind::stopped) {
    json::object out{{"traffic", "stopped"}};
    if (!hold.message.empty()) out["message"] = hold.message;
    return out;
  }
  json::object out{{"traffic", "paused"}, {"max_hold", format_duration(hold.max_hold)}};
  if (hold.max_queue > 0) out["max_queue"] = hold.max_queue;
  return out;
}

json::value target_json(const state::State& state, const protocol::Target& target) {
  const state::ServiceState* service = state.service(target.service);
  const state::PoolState* pool = service ? service->pool(target.pool) : nullptr;
  if (!pool) return nullptr;
  if (!target.backend.empty()) {
    const state::BackendState* backend = pool->backend(target.backend);
    return backend ? json::value(backend_json(*backend)) : json::value(nullptr);
  }
  json::object all;
  for (const auto& backend : pool->backends) all[backend.name] = backend_json(backend);
  return all;
}

}  // namespace sluice::core
