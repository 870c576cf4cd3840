#include "control/state/state.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "proxy/base/origin.hpp"

namespace sluice::state {
namespace {

template <class Items>
auto* named(Items& items, std::string_view name) {
  const auto it =
      std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.name == name; });
  return it == items.end() ? nullptr : &*it;
}

auto place_of(auto& items, std::string_view name) {
  return std::lower_bound(items.begin(), items.end(), name,
                          [](const auto& item, std::string_view wanted) { return item.name < wanted; });
}

template <class Item>
void put_in_order(std::vector<Item>& items, Item item) {
  const auto place = place_of(items, item.name);
  if (place != items.end() && place->name == item.name)
    *place = std::move(item);
  else
    items.insert(place, std::move(item));
}

}  // namespace

void BackendState::set_weight(std::uint32_t wanted) {
  const std::uint32_t configured = configured_weight();
  weight = wanted;
  base_weight.reset();
  if (!added && wanted != configured) base_weight = configured;
}

std::string_view BackendState::member_in(std::string_view target) const {
  const bool fits = every_address && target.size() > name.size() + 1 && target.starts_with(name) &&
                    target[name.size()] == '/';
  const std::string_view place = fits ? target.substr(name.size() + 1) : std::string_view();
  return parse_address(place) ? place : std::string_view();
}

MemberState BackendState::member(std::string_view wanted) const {
  for (const auto& each : members)
    if (each.address == wanted) return each;
  return {std::string(wanted), admin, drain_deadline};
}

const BackendState* PoolState::backend_of(std::string_view target) const {
  if (const BackendState* whole = backend(target)) return whole;
  for (const auto& each : backends)
    if (!each.member_in(target).empty()) return &each;
  return nullptr;
}

const BackendState* PoolState::backend(std::string_view wanted) const { return named(backends, wanted); }
BackendState* PoolState::backend(std::string_view wanted) { return named(backends, wanted); }
const RemovedBackend* PoolState::removed_one(std::string_view wanted) const { return named(removed, wanted); }
void PoolState::put(BackendState backend) { put_in_order(backends, std::move(backend)); }
void PoolState::put(RemovedBackend backend) { put_in_order(removed, std::move(backend)); }

const PoolState* ServiceState::pool(std::string_view wanted) const { return named(pools, wanted); }
PoolState* ServiceState::pool(std::string_view wanted) { return named(pools, wanted); }

const route::Flag* ServiceState::flag(std::string_view wanted) const { return named(flags, wanted); }
void ServiceState::put(route::Flag flag) { put_in_order(flags, std::move(flag)); }

std::size_t ServiceState::index_of(std::string_view pool) const {
  std::size_t index = 0;
  while (index < pools.size() && pools[index].name != pool) ++index;
  return index;
}

std::vector<Share> ServiceState::shares() const {
  std::vector<Share> out;
  for (const auto& pool : pools) out.push_back(pool.share);
  return out;
}

Table ServiceState::split() const {
  Table table;
  for (const auto& pool : pools) table.emplace_back(pool.name, pool.share);
  return normalized(std::move(table));
}

void ServiceState::set_shares(const std::vector<Share>& wanted) {
  assert(wanted.size() == pools.size());
  assert(std::accumulate(wanted.begin(), wanted.end(), std::uint64_t{0}) == kWhole);
  if (wanted == shares()) return;
  taken_back.reset();
  retained.reset();
  if (!configured_split) configured_split = split();
  for (std::size_t i = 0; i < pools.size(); ++i) pools[i].share = wanted[i];
  slots.apply(wanted);
  if (split() == *configured_split) configured_split.reset();
  for (const auto& pool : pools)
    if (pool.share == kWhole) remember_stable(pool.name);
}

void ServiceState::remember_stable(const std::string& pool) {
  if (!stable_history.empty() && stable_history.back() == pool) return;
  stable_history.push_back(pool);
  if (stable_history.size() > kRemembered) stable_history.erase(stable_history.begin());
}

namespace {

// Where it stands, or would stand.
std::size_t place_in(const State& state, std::string_view name) {
  return static_cast<std::size_t>(place_of(state.services, name) - state.services.begin());
}

bool stands_at(const State& state, std::size_t place, std::string_view name) {
  return place < state.services.size() && state.services[place].name == name;
}

}  // namespace

const ServiceState* State::service(std::string_view wanted) const {
  const std::size_t place = place_in(*this, wanted);
  return stands_at(*this, place, wanted) ? &services[place] : nullptr;
}

ServiceState* State::service(std::string_view wanted) {
  const std::size_t place = place_in(*this, wanted);
  return stands_at(*this, place, wanted) ? &services.edit(place) : nullptr;
}

void State::put(ServiceState service) {
  const std::size_t place = place_in(*this, service.name);
  if (stands_at(*this, place, service.name))
    services.replace(place, std::move(service));
  else
    services.insert(place, std::move(service));
}

void State::erase(std::string_view name) {
  const std::size_t place = place_in(*this, name);
  if (stands_at(*this, place, name)) services.erase(place);
}

State from_spec(const config::Spec& spec) {
  State state;
  state.generation = 1;
  for (const auto& service : spec.services) state.put(from_spec(service));
  return state;
}

ServiceState from_spec(const config::ServiceSpec& spec) {
  ServiceState service;
  service.name = spec.name;
  service.configured_stable = spec.stable;
  service.stable_history = {spec.stable};
  for (const auto& pool : spec.pools) {
    PoolState& made = service.pools.emplace_back();
    made.name = pool.name;
    made.share = share_in(spec.split, pool.name);
    for (const auto& backend : pool.backends) made.put(from_spec(backend));
  }
  const auto first = static_cast<route::PoolIndex>(service.index_of(spec.stable));
  service.slots = route::SlotTable(service.pools.size(), first);
  service.slots.apply(service.shares());
  return service;
}

BackendState from_spec(const config::BackendSpec& spec) {
  BackendState backend;
  backend.name = spec.name;
  backend.address = spec.address.text;
  backend.weight = spec.weight;
  backend.every_address = spec.every_address;
  return backend;
}

Share share_in(const Table& table, std::string_view pool) {
  for (const auto& [name, share] : table)
    if (name == pool) return share;
  return 0;
}

Table normalized(Table table) {
  std::erase_if(table, [](const auto& entry) { return entry.second == 0; });
  std::sort(table.begin(), table.end());
  return table;
}

}  // namespace sluice::state
