// What `status`, `history` and `config show` say.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>

#include "control/change/control_impl.hpp"
#include "control/health/eligibility.hpp"
#include "control/state/diff.hpp"
#include "proxy/base/origin.hpp"
#include "proxy/route/query.hpp"

namespace sluice::change {
namespace {

using std::chrono::milliseconds;

milliseconds between(io::Clock::time_point from, io::Clock::time_point to) {
  return std::chrono::duration_cast<milliseconds>(to - from);
}

double to_ms(std::uint64_t micros) { return static_cast<double>(micros) / 1000.0; }

void add_counters(BackendView& view, const observe::BackendLive& live) {
  for (const auto& worker : live.per_worker) {
    view.requests += worker.requests.get();
    view.errors += worker.errors.get();
    view.in_flight += worker.in_flight.get();
    view.connections += worker.connections.get();
    view.tunnels += worker.tunnels.get();
  }
}

std::uint64_t lately(const Recent& recent, const route::Pool& pool, std::chrono::seconds window,
                     io::Clock::time_point now) {
  const PoolRecent* known = recent.find(*pool.live);
  return known ? known->last(window, *pool.live, now).requests : 0;
}

constexpr std::chrono::seconds kShortWindow{10};

}  // namespace

StatusView Control::Impl::status_now() const {
  const auto now = io::Clock::now();
  StatusView view;
  view.generation = state.generation;
  view.version = options.version;
  view.uptime = std::chrono::duration_cast<std::chrono::seconds>(now - started_at);
  view.workers = workers.count();
  view.connections =
      workers.counters().sum([](const observe::WorkerCounters& worker) { return worker.connections.get(); });
  view.durable = store->durable();
  view.warnings = warnings();
  view.readiness = readiness.why;
  for (const auto& listener : spec.listeners)
    view.listeners.push_back({listener.name, listener.bind.text, workers.port_of(listener.name)});
  for (const auto& service : spec.services)
    if (const auto* kept = state.service(service.name)) view.services.push_back(service_view(*kept, now));
  return view;
}

std::vector<std::string> expiry_warnings(const config::Spec& spec, std::int64_t now) {
  constexpr std::int64_t kDay = 86'400, kSoon = 30 * kDay;
  std::vector<std::string> all;
  for (const auto& listener : spec.listeners) {
    if (!listener.tls) continue;
    for (const auto& certificate : listener.tls->certificates) {
      const std::int64_t left = certificate.not_after - now;
      if (left >= kSoon) continue;
      const std::string when =
          left < 0 ? "has expired" : "expires in " + std::to_string(left / kDay) + " days";
      all.push_back("listener " + listener.name + ": the certificate " + certificate.cert + " " + when);
    }
  }
  return all;
}

std::vector<std::string> Control::Impl::warnings() const {
  std::vector<std::string> all;
  if (!store->durable())
    all.push_back("not durable: generation " + std::to_string(state.generation) +
                  " is in force, but the disk did not take it");
  if (audit_failed) all.push_back("the audit log cannot be written");
  if (snapshot)
    for (const auto& service : snapshot->services)
      if (!service.disabled.empty())
        all.push_back("service " + service.spec.name + " is set aside: " + service.disabled);
  const auto troubles = resolver.troubles();
  all.insert(all.end(), troubles.begin(), troubles.end());
  all.insert(all.end(), lasting_warnings.begin(), lasting_warnings.end());
  const auto expiring = expiry_warnings(spec, unix_milliseconds() / 1000);
  all.insert(all.end(), expiring.begin(), expiring.end());
  return all;
}

ServiceView Control::Impl::service_view(const state::ServiceState& service, io::Clock::time_point now) const {
  ServiceView view;
  view.name = service.name;
  view.stable = service.stable();
  view.rollout = rollout_view(service);
  if (service.unconfirmed)
    view.unconfirmed =
        milliseconds(std::max<std::int64_t>(0, service.unconfirmed->deadline - unix_milliseconds()));
  if (service.retained)
    view.retained =
        RetainedView{service.retained->pools, service.retained->until,
                     milliseconds(std::max<std::int64_t>(0, service.retained->until - unix_milliseconds()))};
  const route::Service* routed = snapshot ? find_service(*snapshot, service.name) : nullptr;
  if (routed) view.set_aside = routed->disabled;
  view.traffic = traffic_view(service, routed);
  for (const auto& pool : service.pools) view.pools.push_back(pool_view(routed, pool, now));
  return view;
}

TrafficView Control::Impl::traffic_view(const state::ServiceState& service,
                                        const route::Service* routed) const {
  TrafficView view;
  if (service.hold) {
    view.state = service.hold->kind == route::Hold::Kind::paused ? "paused" : "stopped";
    view.max_hold = service.hold->max_hold;
    view.message = service.hold->message;
  }
  for (const auto& flag : service.flags) view.flags.emplace_back(flag.name, flag.share);
  if (service.mirror)
    view.mirror = MirrorView{service.mirror->pool, service.mirror->share, service.mirror->safe_only, false};
  if (!routed) return view;
  if (routed->mirror && routed->mirror->shadow)
    view.mirror = MirrorView{routed->pools[routed->mirror->pool].name, routed->mirror->share,
                             routed->mirror->safe_only, true};
  for (const auto& worker : routed->live->per_worker) {
    view.mirrored += worker.mirrored.get();
    view.mirror_failed += worker.mirror_failed.get();
    view.mirror_dropped += worker.mirror_dropped.get();
    view.mirror_skipped += worker.mirror_skipped.get();
  }
  view.held = routed->live->hold.held.load();
  view.in_flight = routed->live->under_way();
  return view;
}

PoolView Control::Impl::pool_view(const route::Service* service, const state::PoolState& pool,
                                  io::Clock::time_point now) const {
  PoolView view;
  view.name = pool.name;
  view.share = pool.share;
  const route::Pool* routed = service ? find_pool(*service, pool.name) : nullptr;
  for (const auto& backend : pool.backends) {
    bool is_there = false;
    if (routed)
      for (const auto& one : routed->backends)
        if (one.name == backend.name || one.group == backend.name) {
          view.backends.push_back(backend_view(*routed, one, backend));
          is_there = true;
        }
    if (!is_there) view.backends.push_back(backend_view(backend));
  }
  if (routed) add_traffic(view, *service, *routed, now);
  return view;
}

void Control::Impl::add_traffic(PoolView& view, const route::Service& service, const route::Pool& pool,
                                io::Clock::time_point now) const {
  const PoolSums sums = sums_of(*pool.live);
  view.requests = sums.requests;
  view.errors = sums.errors;
  view.in_flight = sums.in_flight;
  for (const auto& worker : pool.live->previews) {
    view.previews += worker.requests.get();
    view.preview_errors += worker.errors.get();
    view.in_flight += worker.in_flight.get();
  }
  const PoolRecent* known = recent.find(*pool.live);
  if (!known) return;
  const auto shortly = known->last(kShortWindow, *pool.live, now);
  if (shortly.seconds > 0) view.requests_per_second = static_cast<double>(shortly.requests) / shortly.seconds;
  std::uint64_t all = 0;
  for (const auto& other : service.pools) all += lately(recent, other, kShortWindow, now);
  if (all > 0) view.share_measured = static_cast<double>(shortly.requests) / static_cast<double>(all);
  const auto minute = known->last(PoolRecent::kWindow, *pool.live, now);
  if (minute.requests > 0)
    view.error_rate = static_cast<double>(minute.errors) / static_cast<double>(minute.requests);
  const auto latencies = known->latencies(*pool.live);
  if (latencies.count == 0) return;
  view.p50_ms = to_ms(latencies.quantile(0.50));
  view.p95_ms = to_ms(latencies.quantile(0.95));
  view.p99_ms = to_ms(latencies.quantile(0.99));
}

// Of a pool that could not be set up.
BackendView Control::Impl::backend_view(const state::BackendState& backend) const {
  BackendView view;
  view.name = backend.name;
  view.address = backend.address;
  view.admin = state::to_string(backend.admin);
  view.weight = backend.weight;
  view.health = "down";
  view.last_error = resolver.error_of(backend.address);
  return view;
}

BackendView Control::Impl::backend_view(const route::Pool& pool, const route::Backend& routed,
                                        const state::BackendState& backend) const {
  BackendView view;
  view.name = routed.name;
  view.address = routed.address;
  view.admin = state::to_string(routed.admin);
  view.weight = routed.weight;
  view.group = routed.group;
  view.health = health::to_string(routed.live->health.load());
  view.eligible = eligible_in(pool, routed);
  add_counters(view, *routed.live);
  for (const auto& endpoint : routed.endpoints) view.addresses.push_back(io::to_string(endpoint));
  if (const auto standing = resolver.standing(routed.looked_up)) {
    view.resolve_error = standing->error;
    view.resolved_since = standing->since;
    view.stale_since = standing->stale;
  }
  if (const health::MonitoredBackend* monitored = health_registry.find(routed.live->id))
    view.last_error = monitored->probed.error;
  if (routed.endpoints.empty()) view.last_error = resolver.error_of(backend.address);
  if (const Drain* drain = drains.find(routed.live->id)) {
    view.drain = drain_view(*drain);
    view.removing = drain->removing;
    if (drain->finished) view.admin = "drained";
  }
  return view;
}

DrainView Control::Impl::drain_view(const Drain& drain) const {
  const auto now = io::Clock::now();
  DrainView view;
  view.finished = drain.finished;
  view.running = drain.finished ? drain.took : between(drain.began, now);
  if (drain.deadline && !drain.finished) view.left = std::max(between(now, *drain.deadline), milliseconds(0));
  view.clean = drain.clean();
  view.forced = drain.forced;
  return view;
}

asio::awaitable<worker::Blockers> Control::Impl::blockers_of(std::uint32_t id) {
  const auto gate = std::make_shared<io::AsyncResult<worker::Blockers>>(loop);
  workers.blockers({id}, [gate](worker::Blockers blockers) { gate->open(std::move(blockers)); });
  co_return co_await gate->wait();
}

// --- Control

StatusView Control::status_now() const { return impl_->status_now(); }

asio::awaitable<StatusView> Control::status() {
  const auto self = impl_;
  std::map<std::string, worker::Blockers> blocked;
  std::vector<std::pair<std::uint32_t, std::string>> open;
  for (const auto& [id, drain] : self->drains.all())
    if (!drain.finished) open.emplace_back(id, protocol::to_string(drain.target));
  for (const auto& [id, name] : open) blocked[name] = co_await self->blockers_of(id);
  StatusView view = self->status_now();
  for (auto& service : view.services)
    for (auto& pool : service.pools)
      for (auto& backend : pool.backends) {
        const auto found = blocked.find(service.name + "/" + pool.name + "/" + backend.name);
        if (found == blocked.end() || !backend.drain) continue;
        backend.drain->requests = found->second.requests;
        backend.drain->tunnels = found->second.tunnels;
        backend.drain->oldest = found->second.oldest;
        backend.drain->oldest_path = found->second.oldest_path;
      }
  co_return view;
}

std::vector<HistoryEntry> Control::history(const std::string& service, std::size_t limit) const {
  std::vector<HistoryEntry> entries;
  for (const state::PastEdit* edit : impl_->store->history().latest(service, limit)) {
    HistoryEntry entry;
    for (const auto& changed : edit->services) entry.services.push_back(changed.name);
    entry.services.insert(entry.services.end(), edit->gone.begin(), edit->gone.end());
    entry.generation = edit->generation;
    entry.time = std::chrono::system_clock::time_point(milliseconds(edit->time));
    entry.actor = !edit->actor.name.empty() ? edit->actor.name
                                            : fmt::format("uid {} pid {}", edit->actor.uid, edit->actor.pid);
    entry.verb = edit->verb;
    entry.reason = edit->reason;
    if (!edit->before.empty() || !edit->after.empty()) entry.change = edit->before + " -> " + edit->after;
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::optional<Problem> Control::missing_service(const std::string& service) const {
  if (service.empty()) return std::nullopt;
  return state::missing_service(impl_->state, service);
}

config::Spec Control::effective_spec() const {
  config::Spec spec = impl_->spec;
  for (auto& service : spec.services) {
    const state::ServiceState* kept = impl_->state.service(service.name);
    if (!kept) continue;
    service.stable = kept->stable();
    service.split.clear();
    for (const auto& pool : kept->pools) service.split.emplace_back(pool.name, pool.share);
    for (auto& pool : service.pools) {
      const state::PoolState* wanted = kept->pool(pool.name);
      if (!wanted) continue;
      pool.backends.clear();
      for (const auto& backend : wanted->backends) {
        config::BackendSpec made;
        made.name = backend.name;
        if (const auto address = parse_origin(backend.address)) made.address = *address;
        made.every_address = backend.every_address;
        made.weight = backend.weight;
        pool.backends.push_back(std::move(made));
      }
    }
  }
  return spec;
}

}  // namespace sluice::change
