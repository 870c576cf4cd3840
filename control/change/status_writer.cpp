#include "control/change/status_writer.hpp"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <map>

#include "control/change/certificates.hpp"
#include "control/change/effective_spec.hpp"
#include "control/change/replies.hpp"
#include "control/change/trial_of.hpp"
#include "control/health/eligibility.hpp"
#include "control/rollout/status.hpp"
#include "control/state/sentences.hpp"
#include "proxy/route/query.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;
namespace {

using std::chrono::milliseconds;

milliseconds between(io::Clock::time_point from, io::Clock::time_point to) {
  return std::chrono::duration_cast<milliseconds>(to - from);
}

double to_ms(std::uint64_t micros) { return static_cast<double>(micros) / 1000.0; }

void add_counters(BackendView& view, const observe::BackendLive& live) {
  view.in_flight = live.elsewhere.load();
  for (const auto& worker : live.per_worker) {
    view.requests += worker.requests.get();
    view.errors += worker.errors.get();
    view.in_flight += worker.in_flight.get();
    view.connections += worker.connections.get();
    view.streams += worker.streams.get();
    view.streams_refused += worker.streams_refused.get();
    view.tunnels += worker.tunnels.get();
  }
}

constexpr std::chrono::seconds kShortWindow{10};

std::uint64_t lately(const SlidingWindow& recent, const route::Pool& pool, io::Clock::time_point now) {
  return recent.of(*pool.live).last(kShortWindow, *pool.live, now).requests;
}

protocol::ListenerStatus listener_view(const config::ListenerSpec& listener, std::uint16_t port) {
  const std::string& bind = listener.bind.text;
  return {listener.name, bind, bind.substr(0, bind.rfind(':')) + ":" + std::to_string(port), port};
}

// The time until `unix_time`; zero when it has passed.
milliseconds left_until(std::int64_t unix_time) {
  return milliseconds(std::max<std::int64_t>(0, unix_time - unix_milliseconds()));
}

// Of the last rollout; nothing when none is over.
std::optional<milliseconds> ended_ago(const state::ServiceState& service) {
  if (!service.rollout || service.rollout->ended == 0) return std::nullopt;
  return milliseconds(unix_milliseconds() - service.rollout->ended);
}

protocol::TrafficStatus traffic_view(const state::ServiceState& service, const route::Service* routed) {
  protocol::TrafficStatus view;
  if (service.hold) {
    const bool paused = service.hold->kind == route::Hold::Kind::paused;
    view.state = paused ? "paused" : "stopped";
    if (paused) view.max_hold = service.hold->max_hold;
    view.message = service.hold->message;
  }
  if (!routed) return view;
  view.held = routed->live->hold.held.load() + routed->live->hold.held_elsewhere.load();
  view.in_flight = routed->live->under_way();
  return view;
}

void add_mirror(ServiceView& view, const state::ServiceState& service, const route::Service* routed) {
  if (service.mirror)
    view.mirror = {service.mirror->pool, service.mirror->share, service.mirror->safe_only, {}, false};
  if (!routed) return;
  if (routed->mirror && routed->mirror->shadow)
    view.mirror = {
        routed->pools[routed->mirror->pool].name, routed->mirror->share, routed->mirror->safe_only, {}, true};
  for (const auto& worker : routed->live->per_worker) {
    view.mirrored.answered += worker.mirrored.get();
    view.mirrored.failed += worker.mirror_failed.get();
    view.mirrored.dropped += worker.mirror_dropped.get();
    view.mirrored.skipped += worker.mirror_skipped.get();
  }
  if (view.mirror) view.mirror->counts = view.mirrored;
}

DrainView drain_view(const Drain& drain) {
  const auto now = io::Clock::now();
  DrainView view;
  view.finished = drain.finished;
  view.running = drain.finished ? drain.took : between(drain.began, now);
  if (drain.deadline && !drain.finished) view.left = std::max(between(now, *drain.deadline), milliseconds(0));
  view.clean = drain.clean();
  view.forced = drain.forced;
  return view;
}

}  // namespace

StatusView StatusWriter::status_now(const std::string& wanted) const {
  const auto now = io::Clock::now();
  StatusView view;
  view.generation = of_.in_force.state.generation;
  view.version = of_.options.version;
  view.uptime = std::chrono::duration_cast<std::chrono::seconds>(now - started_at_);
  view.workers = of_.workers.count();
  view.connections = of_.workers.counters().sum(
      [](const observe::WorkerCounters& worker) { return worker.connections.get(); });
  view.durable = of_.committer.durable();
  view.warnings = warnings();
  view.readiness = of_.readiness.why;
  view.pid = static_cast<std::uint64_t>(::getpid());
  if (of_.upgrades) {
    view.upgrades = of_.upgrades->count();
    view.predecessor = of_.upgrades->predecessor();
  }
  for (const auto& listener : of_.in_force.spec.listeners)
    view.listeners.push_back(listener_view(listener, of_.workers.port_of(listener.name)));
  view.notify = notify();
  view.certificates = certificates();
  view.audit = audit_head();
  for (const auto& service : of_.in_force.spec.services)
    if (const auto* kept = of_.in_force.state.service(service.name);
        kept && (wanted.empty() || wanted == service.name))
      view.services.push_back(service_view(*kept, now));
  return view;
}

std::vector<protocol::CertificateStatus> StatusWriter::certificates() const {
  return certificate_views(of_.in_force.spec, of_.keeper.holdings(), unix_milliseconds());
}

std::optional<protocol::AuditHead> StatusWriter::audit_head() const { return of_.recorder.audit_head(); }

std::uint64_t StatusWriter::predecessor_connections() const {
  const auto before = of_.upgrades ? of_.upgrades->predecessor() : std::nullopt;
  return before ? before->connections : 0;
}

std::vector<protocol::NotifyStatus> StatusWriter::notify() const {
  std::vector<protocol::NotifyStatus> all;
  for (const auto& courier : of_.notices.couriers()) {
    const auto& results = courier->outbox().results();
    protocol::NotifyStatus view{courier->spec().name, courier->outbox().queued(),
                                results.delivered,    results.failed,
                                results.limited,      results.dropped,
                                courier->trouble(),   {}};
    if (!view.last_error.empty()) view.failing_since = time_text(courier->trouble_since());
    all.push_back(std::move(view));
  }
  return all;
}

std::optional<tracing::Results> StatusWriter::spans() const {
  if (!of_.exporter.on()) return std::nullopt;
  return of_.exporter.results();
}

std::vector<std::string> StatusWriter::warnings() const {
  std::vector<std::string> all;
  if (!of_.committer.durable())
    all.push_back("not durable: generation " + std::to_string(of_.in_force.state.generation) +
                  " is in force, but the disk did not take it");
  if (of_.recorder.audit_failed()) all.push_back("the audit log cannot be written");
  if (const auto& snapshot = of_.in_force.snapshot)
    for (const auto& service : snapshot->services)
      if (!service.disabled.empty())
        all.push_back("service " + service.spec.name + " is set aside: " + service.disabled);
  const auto troubles = of_.resolver.troubles();
  all.insert(all.end(), troubles.begin(), troubles.end());
  const auto untold = of_.notices.troubles();
  all.insert(all.end(), untold.begin(), untold.end());
  all.insert(all.end(), of_.recorder.standing_warnings.begin(), of_.recorder.standing_warnings.end());
  const auto expiring = expiry_warnings(of_.in_force.spec, unix_milliseconds() / 1000);
  all.insert(all.end(), expiring.begin(), expiring.end());
  const auto unordered = order_warnings(of_.keeper.holdings(), unix_milliseconds());
  all.insert(all.end(), unordered.begin(), unordered.end());
  return all;
}

ServiceView StatusWriter::service_view(const state::ServiceState& service, io::Clock::time_point now) const {
  ServiceView view;
  view.name = service.name;
  view.stable = service.stable();
  view.rollout = rollout_view(service);
  if (service.unconfirmed)
    view.unconfirmed = protocol::UnconfirmedStatus{left_until(service.unconfirmed->deadline)};
  if (service.retained)
    view.retained = protocol::RetainedStatus{service.retained->pools, time_text(service.retained->until),
                                             left_until(service.retained->until)};
  view.rollback = of_.way_backs.of(service);
  const route::Service* routed = of_.in_force.routed(service.name);
  if (routed) view.set_aside = routed->disabled;
  for (const auto& flag : service.flags) view.flags.emplace_back(flag.name, flag.share);
  view.traffic = traffic_view(service, routed);
  add_mirror(view, service, routed);
  for (const auto& pool : service.pools) view.pools.push_back(pool_view(routed, pool, now));
  view.headline = protocol::headline_of(view, ended_ago(service));
  return view;
}

PoolView StatusWriter::pool_view(const route::Service* service, const state::PoolState& pool,
                                 io::Clock::time_point now) const {
  PoolView view;
  view.name = pool.name;
  view.share = pool.share;
  const route::Pool* routed = service ? find_pool(*service, pool.name) : nullptr;
  view.backends = backends_of(routed, pool);
  if (routed) add_traffic(view, *service, *routed, now);
  return view;
}

std::vector<BackendView> StatusWriter::backends_of(const route::Pool* routed,
                                                   const state::PoolState& pool) const {
  std::vector<BackendView> views;
  for (const auto& backend : pool.backends) {
    bool is_there = false;
    if (routed)
      for (const auto& one : routed->backends)
        if (one.name == backend.name || one.group == backend.name) {
          views.push_back(backend_view(*routed, one, backend));
          is_there = true;
        }
    if (!is_there) views.push_back(backend_view(backend));
  }
  return views;
}

void StatusWriter::add_traffic(PoolView& view, const route::Service& service, const route::Pool& pool,
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
  if (service.spec.assets) {
    const auto counted = [&pool](std::size_t result) {
      return observe::sum_over(pool.live->per_worker,
                               [=](const auto& worker) { return worker.assets[result].get(); });
    };
    view.assets_elsewhere = counted(0);
    view.assets_missing = counted(1);
  }
  const PoolWindow& recent = of_.recent.of(*pool.live);
  const auto shortly = recent.last(kShortWindow, *pool.live, now);
  if (shortly.seconds > 0) view.requests_per_second = static_cast<double>(shortly.requests) / shortly.seconds;
  std::uint64_t all = 0;
  for (const auto& other : service.pools) all += lately(of_.recent, other, now);
  if (all > 0) view.share_measured = static_cast<double>(shortly.requests) / static_cast<double>(all);
  const auto minute = recent.last(PoolWindow::kWindow, *pool.live, now);
  if (minute.requests > 0)
    view.error_rate = static_cast<double>(minute.errors) / static_cast<double>(minute.requests);
  const auto latencies = recent.latencies(*pool.live);
  if (latencies.count == 0) return;
  view.p50_ms = to_ms(latencies.quantile(0.50));
  view.p95_ms = to_ms(latencies.quantile(0.95));
  view.p99_ms = to_ms(latencies.quantile(0.99));
}

// A backend of a pool that could not be set up.
BackendView StatusWriter::backend_view(const state::BackendState& backend) const {
  BackendView view;
  view.name = backend.name;
  view.address = backend.address;
  view.admin = state::to_string(backend.admin);
  view.weight = backend.weight;
  view.health = "down";
  view.last_error = of_.resolver.error_of(backend.address);
  return view;
}

BackendView StatusWriter::backend_view(const route::Pool& pool, const route::Backend& routed,
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
  if (const auto standing = of_.resolver.standing(routed.looked_up)) {
    view.resolve_error = standing->error;
    if (standing->since) view.resolved_since = time_text(*standing->since);
    if (standing->stale) view.stale_since = time_text(*standing->stale);
  }
  if (!view.resolved_since.empty() || !view.resolve_error.empty()) {
    view.addresses.emplace();
    for (const auto& endpoint : routed.endpoints) view.addresses->push_back(io::to_string(endpoint));
  }
  if (const health::MonitoredBackend* monitored = of_.health.registry.find(routed.live->id))
    view.last_error = monitored->probed.error;
  if (routed.endpoints.empty()) view.last_error = of_.resolver.error_of(backend.address);
  if (const Drain* drain = of_.drains.find(routed.live->id)) {
    view.drain = drain_view(*drain);
    if (!drain->finished) view.drain->pace = of_.drains.paces().of(routed.live->id);
    view.removing = drain->removing;
    if (drain->finished) view.admin = "drained";
  }
  return view;
}

std::optional<RolloutView> StatusWriter::rollout_view(const state::ServiceState& service) const {
  if (!service.rollout) return std::nullopt;
  RolloutView view = rollout::status_of(service.name, *service.rollout);
  const auto* watch = of_.driver.watch_of(service.name, *service.rollout);
  if (!watch) return view;
  view.waits_for = watch->waits_for;
  if (view.in_step) view.in_step = watch->in_step(io::Clock::now());
  view.requests = {watch->last().n_canary, watch->last().n_stable};
  view.gates = rollout::status_of(watch->last().judgements);
  if (const route::Service* routed = find_service(*of_.in_force.snapshot, service.name))
    view.control = control_text(*routed);
  return view;
}

// --- what the metrics tell

std::vector<double> StatusWriter::shares_measured(const route::Service& service) const {
  const auto now = io::Clock::now();
  std::vector<double> shares;
  double all = 0;
  for (const auto& pool : service.pools)
    all += shares.emplace_back(static_cast<double>(lately(of_.recent, pool, now)));
  if (all == 0) return {};
  for (auto& share : shares) share /= all;
  return shares;
}

std::uint64_t StatusWriter::draining(const route::Pool& pool) const {
  return static_cast<std::uint64_t>(std::ranges::count_if(pool.backends, [this](const auto& backend) {
    if (backend.admin != observe::Admin::draining) return false;
    const Drain* drain = of_.drains.find(backend.live->id);
    return !drain || !drain->finished;
  }));
}

std::optional<protocol::PaceStatus> StatusWriter::pace(const route::Pool& pool) const {
  for (const auto& backend : pool.backends)
    if (auto found = of_.drains.paces().of(backend.live->id)) return found;
  return std::nullopt;
}

std::vector<BackendView> StatusWriter::backends(const route::Service& service,
                                                const route::Pool& pool) const {
  const auto* kept = of_.in_force.state.service(service.spec.name);
  const auto* wanted = kept ? kept->pool(pool.name) : nullptr;
  return wanted ? backends_of(&pool, *wanted) : std::vector<BackendView>();
}

std::vector<std::pair<std::string, protocol::RollbackStatus>> StatusWriter::way_backs() const {
  std::vector<std::pair<std::string, protocol::RollbackStatus>> all;
  for (const auto& service : of_.in_force.state.services)
    if (auto status = of_.way_backs.of(service)) all.emplace_back(service.name, std::move(*status));
  return all;
}

std::vector<std::pair<std::string, RolloutView>> StatusWriter::rollouts() const {
  std::vector<std::pair<std::string, RolloutView>> all;
  for (const auto& service : of_.in_force.state.services)
    if (auto view = rollout_view(service)) all.emplace_back(service.name, std::move(*view));
  return all;
}

// --- what is asked of it

// With the state of the rollouts that move in step with this one.
Result<RolloutView> StatusWriter::rollout(const std::string& name) const {
  const state::State& state = of_.in_force.state;
  if (auto problem = state::missing_service(state, name)) return *problem;
  auto view = rollout_view(*state.service(name));
  if (!view)
    return protocol::not_found("service '" + name + "' never had a rollout",
                               "sluicectl rollout --help says how to start one");
  if (!view->active) return *view;
  for (const auto& other : state.services)
    if (other.name != name && other.rollout && other.rollout->id == view->generation)
      view->others.push_back(*rollout_view(other));
  return *view;
}

asio::awaitable<worker::Blockers> StatusWriter::blockers_of(asio::any_io_executor loop,
                                                            std::uint32_t id) const {
  const auto found = std::make_shared<io::AsyncResult<worker::Blockers>>(loop);
  of_.workers.blockers({id}, [found](worker::Blockers blockers) { found->set(std::move(blockers)); });
  co_return co_await found->wait();
}

asio::awaitable<StatusView> StatusWriter::status(asio::any_io_executor loop, std::string wanted) const {
  std::map<std::string, worker::Blockers> blocked;
  std::vector<std::pair<std::uint32_t, std::string>> open;
  for (const auto& [id, drain] : of_.drains.all())
    if (!drain.finished && (wanted.empty() || wanted == drain.target.service))
      open.emplace_back(id, protocol::to_string(drain.target));
  for (const auto& [id, name] : open) blocked[name] = co_await blockers_of(loop, id);
  StatusView view = status_now(wanted);
  for (auto& service : view.services)
    for (auto& pool : service.pools)
      for (auto& backend : pool.backends) {
        const auto found = blocked.find(service.name + "/" + pool.name + "/" + backend.name);
        if (found == blocked.end() || !backend.drain) continue;
        backend.drain->requests = found->second.requests;
        backend.drain->tunnels = found->second.tunnels;
        backend.drain->oldest_path = found->second.oldest_path;
        if (!backend.drain->oldest_path.empty()) backend.drain->oldest = found->second.oldest;
      }
  co_return view;
}

std::vector<protocol::HistoryEntry> StatusWriter::history(const std::string& service,
                                                          std::size_t limit) const {
  std::vector<protocol::HistoryEntry> entries;
  for (const state::PastEdit* edit : of_.committer.history().latest(service, limit)) {
    protocol::HistoryEntry entry;
    for (const auto& changed : edit->services) entry.services.push_back(changed.name);
    entry.services.insert(entry.services.end(), edit->gone.begin(), edit->gone.end());
    entry.generation = edit->generation;
    entry.time = time_text(edit->time);
    entry.actor = !edit->actor.name.empty() ? edit->actor.name
                                            : fmt::format("uid {} pid {}", edit->actor.uid, edit->actor.pid);
    entry.verb = edit->verb;
    entry.reason = edit->reason;
    if (!edit->before.empty() || !edit->after.empty()) entry.change = edit->before + " -> " + edit->after;
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::optional<protocol::Problem> StatusWriter::missing_service(const std::string& service) const {
  if (service.empty()) return std::nullopt;
  return state::missing_service(of_.in_force.state, service);
}

config::Spec StatusWriter::effective_spec() const {
  return change::effective_spec(of_.in_force.spec, of_.in_force.state);
}

boost::json::object StatusWriter::flags() const { return flags_json(of_.in_force.state); }

}  // namespace sluice::change
