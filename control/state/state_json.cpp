#include "control/state/state_json.hpp"

#include <boost/json/array.hpp>
#include <numeric>
#include <set>

#include "control/state/diff.hpp"
#include "control/state/read_json.hpp"
#include "control/state/traffic.hpp"

namespace sluice::state {
namespace {

namespace json = boost::json;
using Stacks = route::SlotTable::Stacks;

json::array to_json(const std::vector<MemberState>& members) {
  json::array out;
  for (const auto& member : members) {
    json::object each{{"address", member.address}, {"admin", to_string(member.admin)}};
    if (member.drain_deadline) each["drain_deadline"] = *member.drain_deadline;
    out.push_back(std::move(each));
  }
  return out;
}

json::object to_json(const BackendState& backend) {
  json::object out{{"name", backend.name},
                   {"address", backend.address},
                   {"weight", backend.weight},
                   {"admin", to_string(backend.admin)}};
  if (backend.drain_deadline) out["drain_deadline"] = *backend.drain_deadline;
  if (backend.added) out["added"] = true;
  if (backend.base_weight) out["base_weight"] = *backend.base_weight;
  if (backend.every_address) out["every_address"] = true;
  if (!backend.members.empty()) out["members"] = to_json(backend.members);
  return out;
}

json::object to_json(const PoolState& pool) {
  json::object out{{"name", pool.name}, {"share", pool.share}};
  json::array backends, removed;
  for (const auto& backend : pool.backends) backends.push_back(to_json(backend));
  for (const auto& backend : pool.removed)
    removed.push_back({{"name", backend.name},
                       {"address", backend.address},
                       {"weight", backend.weight},
                       {"every_address", backend.every_address}});
  out["backends"] = std::move(backends);
  if (!removed.empty()) out["removed"] = std::move(removed);
  return out;
}

// A run is [bottom, top, former owners ...]; flat, for there may be thousands.
json::array to_json(const Stacks& stacks) {
  json::array out;
  out.reserve(stacks.size());
  for (const auto& stack : stacks) {
    json::array runs;
    runs.reserve(stack.size());
    for (const auto& run : stack) {
      json::array numbers;
      numbers.reserve(2 + run.former.size());
      numbers.push_back(run.bottom);
      numbers.push_back(run.top);
      for (const auto owner : run.former) numbers.push_back(owner);
      runs.push_back(std::move(numbers));
    }
    out.push_back(std::move(runs));
  }
  return out;
}

std::optional<route::SlotTable::Run> read_run(const json::value& value) {
  const auto* numbers = value.if_array();
  if (!numbers || numbers->size() < 2) return std::nullopt;
  const auto bottom = number_in<std::uint32_t>((*numbers)[0]), top = number_in<std::uint32_t>((*numbers)[1]);
  if (!bottom || !top) return std::nullopt;
  route::SlotTable::Run run{*bottom, *top, {}};
  for (std::size_t i = 2; i < numbers->size(); ++i) {
    const auto owner = number_in<route::PoolIndex>((*numbers)[i]);
    if (!owner) return std::nullopt;
    run.former.push_back(*owner);
  }
  return run;
}

std::optional<Stacks> read_stacks(const json::value* value) {
  const auto* stacks = value ? value->if_array() : nullptr;
  if (!stacks) return std::nullopt;
  Stacks out;
  for (const auto& runs : *stacks) {
    if (!runs.is_array()) return std::nullopt;
    auto& stack = out.emplace_back();
    for (const auto& value_of_run : runs.get_array()) {
      auto run = read_run(value_of_run);
      if (!run) return std::nullopt;
      stack.push_back(std::move(*run));
    }
  }
  return out;
}

bool read_slots(const json::value& value, ServiceState& service) {
  auto stacks = read_stacks(field(value, "slots"));
  if (!stacks) return false;
  std::vector<Stacks> past;
  if (const auto* list = array_field(value, "past_slots"))
    for (const auto& entry : *list)
      if (auto read = read_stacks(&entry)) past.push_back(std::move(*read));
  return route::SlotTable::from_stacks(std::move(*stacks), service.slots, std::move(past));
}

std::optional<Admin> read_admin(const json::value& value) {
  const auto text = text_field(value, "admin");
  for (const Admin admin : {Admin::ready, Admin::draining, Admin::maint})
    if (text && *text == to_string(admin)) return admin;
  return std::nullopt;
}

bool is_true(const json::value& value, const char* name) {
  const auto* flag = field(value, name);
  return flag && *flag == true;
}

bool read_members(const json::value& value, BackendState& backend) {
  const auto* members = array_field(value, "members");
  if (!members) return true;
  for (const auto& entry : *members) {
    const auto address = text_field(entry, "address");
    const auto admin = read_admin(entry);
    if (!address || !admin) return false;
    backend.members.push_back({*address, *admin, number_field<std::int64_t>(entry, "drain_deadline")});
  }
  return true;
}

std::optional<BackendState> read_backend(const json::value& value) {
  const auto name = text_field(value, "name"), address = text_field(value, "address");
  const auto weight = number_field<std::uint32_t>(value, "weight");
  const auto admin = read_admin(value);
  if (!name || !address || !weight || !admin) return std::nullopt;
  BackendState backend;
  backend.name = *name;
  backend.address = *address;
  backend.weight = *weight;
  backend.admin = *admin;
  backend.drain_deadline = number_field<std::int64_t>(value, "drain_deadline");
  backend.added = is_true(value, "added");
  backend.base_weight = number_field<std::uint32_t>(value, "base_weight");
  backend.every_address = is_true(value, "every_address");
  if (!read_members(value, backend)) return std::nullopt;
  return backend;
}

std::optional<RemovedBackend> read_removed(const json::value& value) {
  const auto name = text_field(value, "name"), address = text_field(value, "address");
  const auto weight = number_field<std::uint32_t>(value, "weight");
  if (!name || !address || !weight) return std::nullopt;
  return RemovedBackend{*name, *address, *weight, is_true(value, "every_address")};
}

std::optional<PoolState> read_pool(const json::value& value) {
  const auto name = text_field(value, "name");
  const auto share = number_field<Share>(value, "share");
  const auto* backends = array_field(value, "backends");
  if (!name || !share || !backends) return std::nullopt;
  PoolState pool{*name, *share, {}, {}};
  for (const auto& entry : *backends) {
    auto backend = read_backend(entry);
    if (!backend) return std::nullopt;
    pool.put(std::move(*backend));
  }
  if (const auto* removed = array_field(value, "removed"))
    for (const auto& entry : *removed) {
      auto backend = read_removed(entry);
      if (!backend) return std::nullopt;
      pool.put(std::move(*backend));
    }
  return pool;
}

std::string read_pools(const json::value& value, ServiceState& service) {
  const auto* pools = array_field(value, "pools");
  if (!pools || pools->empty() || pools->size() > kMostPools) return "it has no pools, or too many";
  std::uint64_t sum = 0;
  for (const auto& entry : *pools) {
    auto pool = read_pool(entry);
    if (!pool) return "a pool is not readable";
    if (service.pool(pool->name)) return "pool '" + pool->name + "' is there twice";
    sum += pool->share;
    service.pools.push_back(std::move(*pool));
  }
  return sum == kWhole ? "" : "its shares do not add up to 100%";
}

std::string read_stable_history(const json::value& value, ServiceState& service) {
  const auto configured = text_field(value, "configured_stable");
  const auto* stable_history = array_field(value, "stables");
  if (!configured || !service.pool(*configured)) return "its configured stable pool is none of its pools";
  if (!stable_history || stable_history->empty()) return "it has no stable pool";
  service.configured_stable = *configured;
  for (const auto& entry : *stable_history) {
    if (!entry.is_string() || !service.pool(entry.get_string())) return "a stable pool is none of its pools";
    service.stable_history.emplace_back(entry.get_string());
  }
  return {};
}

bool read_configured_split(const json::value& value, ServiceState& service) {
  const auto* split = field(value, "configured_split");
  if (!split) return true;
  if (!split->is_object()) return false;
  Table table;
  for (const auto& [pool, share] : split->get_object()) {
    const auto units = number_in<Share>(share);
    if (!units) return false;
    table.emplace_back(pool, *units);
  }
  service.configured_split = normalized(std::move(table));
  return true;
}

// `null` says that it is over: journals of before know only the rollout's own time.
void add_retained(const ServiceState& service, json::object& out) {
  if (service.retained)
    out["retained"] = to_json(*service.retained);
  else if (service.rollout && service.rollout->retained_until > 0)
    out["retained"] = nullptr;
}

void read_retained(const json::value& value, ServiceState& service) {
  const auto* kept = field(value, "retained");
  if (kept && kept->is_object()) service.retained = retained_from_json(*kept);
  if (!kept && service.rollout && service.rollout->retained_until > 0)
    service.retained = Retained{{service.rollout->from}, service.rollout->retained_until};
}

}  // namespace

json::object to_json(const ServiceState& service) {
  json::object out{{"name", service.name}};
  json::array pools, past, stable_history(service.stable_history.begin(), service.stable_history.end());
  for (const auto& pool : service.pools) pools.push_back(to_json(pool));
  for (const auto& stacks : service.slots.past()) past.push_back(to_json(stacks));
  out["pools"] = std::move(pools);
  out["slots"] = to_json(service.slots.stacks());
  if (!past.empty()) out["past_slots"] = std::move(past);
  out["stables"] = std::move(stable_history);
  out["configured_stable"] = service.configured_stable;
  if (service.rollout) out["rollout"] = to_json(*service.rollout);
  if (service.unconfirmed) out["unconfirmed"] = to_json(*service.unconfirmed);
  if (service.taken_back) out["taken_back"] = to_json(*service.taken_back);
  add_retained(service, out);
  if (!service.left.empty()) out["left"] = to_json(service.left);
  add_traffic(service, out);
  if (!service.configured_split) return out;
  json::object split;
  for (const auto& [pool, share] : *service.configured_split) split[pool] = share;
  out["configured_split"] = std::move(split);
  return out;
}

Decoded<ServiceState> service_from_json(const json::value& value) {
  const auto name = text_field(value, "name");
  if (!name) return Fault{"it has no name"};
  ServiceState service;
  service.name = *name;
  if (auto fault = read_pools(value, service); !fault.empty()) return Fault{fault};
  if (auto fault = read_stable_history(value, service); !fault.empty()) return Fault{fault};
  if (!read_slots(value, service)) return Fault{"its slots have not one owner each"};
  if (service.slots.shares() != service.shares()) return Fault{"its slots are not what its shares say"};
  if (!read_configured_split(value, service)) return Fault{"its configured split is not readable"};
  if (const auto* rollout = field(value, "rollout")) service.rollout = rollout_from_json(*rollout);
  if (service.rollout && !(service.pool(service.rollout->from) && service.pool(service.rollout->to)))
    service.rollout.reset();
  if (const auto* waiting = field(value, "unconfirmed"))
    service.unconfirmed = unconfirmed_from_json(*waiting);
  if (const auto* taken = field(value, "taken_back")) service.taken_back = taken_back_from_json(*taken);
  read_retained(value, service);
  if (const auto* left = field(value, "left")) service.left = left_from_json(*left);
  if (!read_traffic(value, service)) return Fault{"its pause, flags or mirror are not readable"};
  return service;
}

json::object to_json(const State& state) {
  json::array services;
  for (const auto& service : state.services) services.push_back(to_json(service));
  return {{"generation", state.generation}, {"services", std::move(services)}};
}

Decoded<State> state_from_json(const json::value& value, std::vector<Unrestored>& unrestored) {
  const auto generation = number_field<std::uint64_t>(value, "generation");
  const auto* list = field(value, "services");
  if (!generation || !list) return Fault{"it has no generation or no services"};
  auto services = services_from_json(*list, unrestored);
  if (!services) return services.error();
  State state;
  state.generation = *generation;
  for (auto& service : *services) state.put(std::move(service));
  return state;
}

Decoded<std::vector<ServiceState>> services_from_json(const json::value& list,
                                                      std::vector<Unrestored>& unrestored) {
  if (!list.is_array()) return Fault{"its services are not a list"};
  std::vector<ServiceState> services;
  for (const auto& entry : list.get_array()) {
    auto service = service_from_json(entry);
    if (service) {
      services.push_back(std::move(*service));
      continue;
    }
    const auto name = text_field(entry, "name");
    if (!name) return Fault{"a service has no name"};
    unrestored.push_back({*name, service.error().why});
  }
  return services;
}

}  // namespace sluice::state
