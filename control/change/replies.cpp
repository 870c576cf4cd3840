#include "control/change/replies.hpp"

#include <boost/json/parse.hpp>

#include "control/state/diff.hpp"
#include "proxy/base/values.hpp"

namespace sluice::change {
namespace json = boost::json;
namespace {

json::object backend_json(const state::BackendState& backend) {
  return {
      {"address", backend.address}, {"admin", state::to_string(backend.admin)}, {"weight", backend.weight}};
}

void add_to(protocol::Changed& reply, const char* key, const std::vector<std::string>& sentences) {
  if (sentences.empty()) return;
  json::value& kept = reply.more[key];
  json::array& list = kept.is_array() ? kept.as_array() : kept.emplace_array();
  for (const auto& sentence : sentences) list.emplace_back(sentence);
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

json::value flag_json(const state::State& state, const std::string& flag, const std::string& service) {
  json::object all;
  for (const auto& each : state.services) {
    const route::Flag* found = service.empty() || each.name == service ? each.flag(flag) : nullptr;
    if (!found) continue;
    json::object values{{"enabled_for", format_share(found->share)}};
    if (!found->config.empty()) {
      json::error_code failed;
      values["config"] = json::parse(found->config, failed);
    }
    all[each.name] = std::move(values);
  }
  return all;
}

json::object flags_json(const state::State& state) {
  json::object all;
  for (const auto& service : state.services)
    for (const auto& flag : service.flags) all[flag.name] = flag_json(state, flag.name, {});
  return all;
}

json::value mirror_json(const state::State& state, const std::string& service) {
  const state::ServiceState* found = state.service(service);
  if (!found) return nullptr;
  if (!found->mirror) return {{"mirror", "off"}};
  json::object out{{"mirror", found->mirror->pool}, {"share", format_share(found->mirror->share)}};
  if (found->mirror->safe_only) out["safe_only"] = true;
  return out;
}

json::value target_json(const state::State& state, const protocol::Target& target) {
  const state::ServiceState* service = state.service(target.service);
  const state::PoolState* pool = service ? service->pool(target.pool) : nullptr;
  if (!pool) return nullptr;
  if (!target.backend.empty()) {
    const state::BackendState* backend = pool->backend_of(target.backend);
    if (!backend) return nullptr;
    json::object out = backend_json(*backend);
    if (const auto address = backend->member_in(target.backend); !address.empty()) {
      out["address"] = address;
      out["admin"] = state::to_string(backend->member(address).admin);
    }
    return out;
  }
  json::object all;
  for (const auto& backend : pool->backends) all[backend.name] = backend_json(backend);
  return all;
}

void add_warnings(protocol::Changed& reply, const std::vector<std::string>& warnings) {
  add_to(reply, "warnings", warnings);
}

void add_notes(protocol::Changed& reply, const std::vector<std::string>& notes) {
  add_to(reply, "notes", notes);
}

}  // namespace sluice::change
