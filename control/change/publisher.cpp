#include "control/change/publisher.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <set>
#include <string_view>
#include <unordered_set>

#include "control/change/asset_pools.hpp"
#include "control/change/trial_of.hpp"
#include "control/rollout/breaker.hpp"
#include "control/state/differences.hpp"
#include "proxy/base/origin.hpp"
#include "proxy/route/query.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {
namespace {

std::vector<Share> shares_of(const std::vector<route::Pool>& pools) {
  std::vector<Share> out;
  for (const auto& pool : pools) out.push_back(pool.share);
  return out;
}

bool reachable(const std::vector<route::Pool>& pools) {
  return std::any_of(pools.begin(), pools.end(),
                     [](const route::Pool& pool) { return pool.share > 0 && !pool.backends.empty(); });
}

std::size_t place_of(const route::Snapshot& snapshot, const route::Service& service) {
  const auto is_it = [&service](const route::Service& other) { return &other == &service; };
  return static_cast<std::size_t>(std::ranges::find_if(snapshot.services, is_it) - snapshot.services.begin());
}

std::vector<route::ListenerPools> fixed_pools(const config::Spec& spec, const route::Snapshot& snapshot) {
  std::vector<route::ListenerPools> out;
  for (const auto& listener : spec.listeners) {
    if (listener.pools.empty()) continue;
    route::ListenerPools& made = out.emplace_back();
    made.listener = listener.name;
    for (const auto& [service_name, pool_name] : listener.pools) {
      const route::Service* service = find_service(snapshot, service_name);
      const route::Pool* pool = service ? find_pool(*service, pool_name) : nullptr;
      if (!pool) continue;  // validated: only a pool of a service that the state does not have yet
      made.pools.push_back(
          {place_of(snapshot, *service), static_cast<std::size_t>(pool - service->pools.data())});
    }
  }
  return out;
}

std::shared_ptr<const route::RouteTable> routes_of(const config::Spec& spec,
                                                   const route::Snapshot& snapshot) {
  std::vector<std::string> names;
  for (const auto& service : snapshot.services) names.push_back(service.spec.name);
  return std::make_shared<const route::RouteTable>(spec.routes, names);
}

std::shared_ptr<const route::ServicePlaces> places_of(const route::Snapshot& snapshot) {
  auto places = std::make_shared<route::ServicePlaces>();
  for (std::size_t i = 0; i < snapshot.services.size(); ++i)
    places->emplace(snapshot.services[i].spec.name, i);
  return places;
}

// `like`: another snapshot of the same configuration with the same services; null: there is none.
void finish(route::Snapshot& snapshot, const config::Spec& spec, const route::Snapshot* like = nullptr) {
  snapshot.routes = like ? like->routes : routes_of(spec, snapshot);
  snapshot.places = like ? like->places : places_of(snapshot);
  snapshot.has_grpc_web =
      like ? like->has_grpc_web : std::ranges::any_of(spec.services, &config::ServiceSpec::grpc_web);
  snapshot.looks_closer = snapshot.has_grpc_web || snapshot.proofs;
  snapshot.listener_pools = fixed_pools(spec, snapshot);
}

// A route leads to the place of its service.
bool same_names(const route::Snapshot& a, const route::Snapshot& b) {
  return std::ranges::equal(a.services, b.services,
                            [](const route::Service& one, const route::Service& other) {
                              return &one == &other || one.spec.name == other.spec.name;
                            });
}

bool has_names(const route::Service& service) {
  const auto is_named = [](const route::Backend& backend) { return !backend.looked_up.empty(); };
  return std::ranges::any_of(
      service.pools, [&](const route::Pool& pool) { return std::ranges::any_of(pool.backends, is_named); });
}

// A backend that was added at run time has its pool's.
std::uint32_t max_in_flight(const config::PoolSpec* pool, const std::string& backend) {
  if (!pool) return 0;
  for (const auto& configured : pool->backends)
    if (configured.name == backend) return configured.max_in_flight.value_or(pool->max_in_flight);
  return pool->max_in_flight;
}

std::string_view alpn_of(BackendProtocol protocol) {
  switch (protocol) {
    case BackendProtocol::h1:
      return {};
    case BackendProtocol::h2:
      return tls::kOnlyHttp2;
    case BackendProtocol::by_alpn:
      return tls::kHttp2OrHttp1;
  }
  return {};
}

// In clear there is nothing to agree by.
BackendProtocol spoken_to(const config::PoolSpec& pool) {
  const bool agrees = pool.protocol == BackendProtocol::by_alpn && !pool.tls;
  return agrees ? BackendProtocol::h1 : pool.protocol;
}

}  // namespace

Publisher::Publisher(Registry& registry, const io::Resolver& resolver, std::function<std::uint64_t()> random)
    : registry_(registry), resolver_(resolver), random_(std::move(random)) {}

route::SnapshotPtr Publisher::build(const config::Spec& spec, const state::State& state,
                                    const route::Snapshot* previous) {
  auto snapshot = begun(state);
  for (const auto& service : spec.services) add_service(*snapshot, service, state, previous);
  finish(*snapshot, spec);
  return snapshot;
}

route::SnapshotPtr Publisher::rebuild(const InForce& now, const state::State& state) {
  const route::Snapshot& before = *now.snapshot;
  auto snapshot = begun(state);
  std::unordered_set<std::string_view> changed;
  each_difference(now.state, state,
                  [&changed](const state::ServiceState* was, const state::ServiceState* is) {
                    changed.insert(was ? was->name : is->name);
                  });
  std::size_t place = 0;  // in `before`, which has the order of the same configuration
  for (const auto& spec : now.spec.services) {
    const bool was_there = place < before.services.size() && before.services[place].spec.name == spec.name;
    if (was_there && !before.services[place].may_differ && !changed.contains(spec.name))
      snapshot->services.push_shared(before.services, place);
    else
      add_service(*snapshot, spec, state, &before);
    place += was_there;
  }
  finish(*snapshot, now.spec, same_names(*snapshot, before) ? &before : nullptr);
  return snapshot;
}

boost::asio::awaitable<route::SnapshotPtr> Publisher::build_at_leisure(const config::Spec& spec,
                                                                       const state::State& state,
                                                                       boost::asio::any_io_executor loop) {
  constexpr std::chrono::milliseconds kLongest{5};  // at a time
  auto snapshot = begun(state);
  auto breath = std::chrono::steady_clock::now();
  for (const auto& service : spec.services) {
    add_service(*snapshot, service, state, nullptr);
    if (std::chrono::steady_clock::now() - breath < kLongest) continue;
    co_await boost::asio::post(loop, boost::asio::use_awaitable);
    breath = std::chrono::steady_clock::now();
  }
  finish(*snapshot, spec);
  memory.forget();
  co_return snapshot;
}

std::shared_ptr<route::Snapshot> Publisher::begun(const state::State& state) const {
  auto snapshot = std::make_shared<route::Snapshot>();
  snapshot->generation = state.generation;
  snapshot->preview_key = preview_key;
  snapshot->proofs = proofs;
  return snapshot;
}

void Publisher::add_service(route::Snapshot& snapshot, const config::ServiceSpec& spec,
                            const state::State& state, const route::Snapshot* previous) {
  const state::ServiceState* wanted = state.service(spec.name);
  if (!wanted) return;
  const route::Service* before = previous ? find_service(*previous, spec.name) : nullptr;
  snapshot.services.push_back(service_from(spec, *wanted, before));
}

void Publisher::install(const route::Snapshot& snapshot, const route::Snapshot& before) {
  each_change(before, snapshot, [](const route::Service*, const route::Service& service) {
    // An earlier resume's rate is not for this pause: an undo of the pause lets all requests go at once.
    if (service.hold) service.live->hold.release_rate.store(0);
    for (const auto& pool : service.pools)
      for (const auto& backend : pool.backends) backend.live->admin.store(backend.admin);
  });
  registry_.follow(before, snapshot);
  if (snapshot.routes == before.routes) return;  // the services are the same
  std::set<std::string_view> names;
  for (const auto& service : snapshot.services) names.insert(service.spec.name);
  std::erase_if(owners_, [&](const auto& entry) { return !names.contains(entry.first); });
}

route::Service Publisher::service_from(const config::ServiceSpec& spec, const state::ServiceState& state,
                                       const route::Service* previous) {
  route::Service service;
  service.spec = spec;
  service.live = registry_.service(spec.name);
  std::string broken;
  for (const auto& pool : state.pools) service.pools.push_back(pool_from(spec, pool, broken));
  service.stable = std::min(state.index_of(state.stable()), state.pools.size() - 1);
  service.rescue = service.stable;
  if (state.rollout && state.rollout->active()) watch(service, *state.rollout, previous);
  service.split = route::SplitTable(shares_of(service.pools));
  // A pool without a share has no interval, so its coming or going is no new table.
  const auto table = ServiceMemory::table_of(service.pools);
  const bool same_table = previous && ServiceMemory::table_of(previous->pools) == table;
  service.sequence = same_table ? previous->sequence : memory.sequence(spec.name, table, random_());
  if (spec.sticky) service.slots = owners_of(state);
  if (spec.rate_limit)
    service.rates = previous && previous->rates ? previous->rates : memory.rates(spec.name);
  service.hold = state.hold;
  service.flags = state.flags;
  if (state.mirror)
    service.mirror = {state.index_of(state.mirror->pool), state.mirror->share, state.mirror->safe_only,
                      nullptr};
  if (state.rollout && state.rollout->phase == state::RolloutPhase::running &&
      state.rollout->current().mirror > 0)
    mirror_for(service, *state.rollout, previous);
  if (spec.assets) service.asset_pools = asset_pools(*spec.assets, state);
  if (service.breaker) try_on(service, state, previous);
  if (!broken.empty() && !reachable(service.pools)) service.disabled = broken;
  service.may_differ = !service.disabled.empty() || has_names(service);
  return service;
}

// A rollout keeps its breaker over its steps; a new one, and a restart, begin anew (G7).
void Publisher::watch(route::Service& service, const state::Rollout& rollout,
                      const route::Service* previous) {
  const auto index = [&service](const std::string& pool) {
    return static_cast<std::size_t>(find_pool(service, pool) - service.pools.data());
  };
  service.rescue = index(rollout.from);
  service.watched_pool = index(rollout.to);
  service.rollout = rollout.id;
  const bool same = previous && previous->breaker && previous->rollout == rollout.id;
  service.breaker =
      same ? previous->breaker : memory.breaker(service.spec.name, rollout.id, ServiceMemory::Of::users);
  if (!service.breaker)
    service.breaker = rollout::breaker_for(rollout.plan, *service.pools[service.rescue].live,
                                           service.spec.sticky.has_value());
}

// Counted anew with each rollout, and in each process: what a step saw goes with its evidence
// (rollout::KnownStep).
void Publisher::try_on(route::Service& service, const state::ServiceState& state,
                       const route::Service* previous) {
  auto trial = trial_of(service, state);
  if (!trial) return;
  const bool same = previous && previous->trial && previous->rollout == service.rollout;
  trial->counted = same ? previous->trial->counted
                        : std::make_shared<observe::TrialCounters>(service.live->per_worker.size());
  service.trial = std::move(trial);
}

// In a step without a share the rollout's mirror stands before the operator's, which is as it was when the
// step is over. The shadow is kept over its steps, as the breaker is.
void Publisher::mirror_for(route::Service& service, const state::Rollout& rollout,
                           const route::Service* previous) {
  std::shared_ptr<observe::Shadow> shadow;
  if (previous && previous->rollout == rollout.id && previous->mirror) shadow = previous->mirror->shadow;
  if (!shadow) {
    auto breaker = memory.breaker(service.spec.name, rollout.id, ServiceMemory::Of::mirrored);
    if (!breaker) breaker = rollout::breaker_for(rollout.plan, *service.pools[service.rescue].live);
    shadow = std::make_shared<observe::Shadow>(service.live->per_worker.size(), std::move(breaker));
  }
  service.mirror = {service.watched_pool, rollout.current().mirror, true, std::move(shadow)};
}

route::Pool Publisher::pool_from(const config::ServiceSpec& service, const state::PoolState& state,
                                 std::string& broken) {
  route::Pool pool;
  pool.name = state.name;
  pool.share = state.share;
  pool.live = registry_.pool(service.name, state.name);
  const config::PoolSpec* configured = service.pool(state.name);
  if (configured) pool.proxy_protocol = configured->proxy_protocol;
  std::string error;
  pool.tls = tls_of(service.name, configured, error);
  if (configured) pool.protocol = spoken_to(*configured);
  if (!error.empty()) {
    broken = "pool " + state.name + ": " + error;
    return pool;
  }
  for (const auto& wanted : state.backends) add_backends(pool, service, wanted);
  pool.has_tiers = std::any_of(pool.backends.begin(), pool.backends.end(),
                               [](const route::Backend& backend) { return backend.tier > 0; });
  return pool;
}

void Publisher::add_backends(route::Pool& pool, const config::ServiceSpec& service,
                             const state::BackendState& wanted) {
  route::Backend made;
  made.name = wanted.name;
  made.address = wanted.address;
  made.authority = is_unix(wanted.address) ? "localhost" : wanted.address;
  made.weight = wanted.weight;
  made.reweighed = wanted.base_weight.has_value();
  made.admin = wanted.admin;
  made.max_in_flight = max_in_flight(service.pool(pool.name), wanted.name);
  if (const auto address = parse_origin(wanted.address); address && !io::literal(*address))
    made.looked_up = wanted.address;
  const auto add = [&](route::Backend backend) {
    backend.live = registry_.backend(service.name, pool.name, backend.name, backend.address);
    pool.backends.push_back(std::move(backend));
  };
  const auto members = resolver_.members(wanted.address);
  if (members.empty()) made.unresolved = resolver_.error_of(wanted.address);
  if (members.empty() || !wanted.every_address) {
    for (const auto& member : members) made.endpoints.push_back(member.endpoint);
    return add(std::move(made));
  }
  made.group = wanted.name;
  for (const auto& member : members) {
    route::Backend one = made;
    one.address = io::to_string(member.endpoint);
    one.name = wanted.name + "/" + one.address;
    one.endpoints = {member.endpoint};
    one.weight = wanted.weight * member.part;
    one.tier = member.tier;
    one.admin = wanted.member(one.address).admin;
    if (!member.authority.empty()) one.authority = member.authority;
    add(std::move(one));
  }
}

std::shared_ptr<const tls::ClientContext> Publisher::tls_of(const std::string& service,
                                                            const config::PoolSpec* pool,
                                                            std::string& error) {
  if (!pool || !pool->tls) return nullptr;
  TlsContext& known = tls_contexts_[service + "/" + pool->name];
  if (known.tls && known.spec == *pool->tls && known.protocol == pool->protocol) return known.tls;
  known.spec = *pool->tls;
  known.protocol = pool->protocol;
  known.tls = tls::ClientContext::make(
      {known.spec.ca, known.spec.server_name, known.spec.cert, known.spec.key, alpn_of(pool->protocol)},
      error);
  return known.tls;
}

std::shared_ptr<const route::SlotMap> Publisher::owners_of(const state::ServiceState& state) {
  const auto fits = [&state](const auto& owners) { return owners && owners->stacks == state.slots.stacks(); };
  auto& known = owners_[state.name];
  if (!fits(known)) {
    if (!fits(latest_owners_))
      latest_owners_ =
          std::make_shared<const Owners>(Owners{state.slots.stacks(), route::SlotMap(state.slots.owners())});
    known = latest_owners_;
  }
  return {known, &known->map};
}

std::vector<std::string> addresses_of(const state::State& state) {
  std::vector<std::string> out;
  for (const auto& service : state.services)
    for (const auto& pool : service.pools)
      for (const auto& backend : pool.backends) out.push_back(backend.address);
  return out;
}

}  // namespace sluice::change
