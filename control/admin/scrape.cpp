#include "control/admin/scrape.hpp"

#include "control/admin/exposition.hpp"
#include "control/admin/process.hpp"
#include "control/admin/scrape_rollouts.hpp"

namespace sluice::admin {

namespace {

using observe::Counter;
using observe::PoolCounters;
using Labels = Exposition::Labels;

constexpr std::string_view kClassNames[] = {"", "1xx", "2xx", "3xx", "4xx", "5xx"};
constexpr std::string_view kReasons[] = {"connect", "reset", "timeout",
                                         "protocol"};  // as observe::UpstreamError
constexpr std::string_view kAdminStates[] = {"ready", "draining", "drained", "maint"};
constexpr std::string_view kTrafficStates[] = {"open", "paused", "stopped"};
constexpr std::string_view kHealthStates[] = {"unknown", "up", "down", "ejected"};

template <class Cells, class Read>
double sum(const Cells& per_worker, Read read) {
  std::uint64_t total = 0;
  for (const auto& worker : per_worker) total += read(worker);
  return static_cast<double>(total);
}

template <class Each>
void each_pool(const route::Snapshot& snapshot, Each each) {
  for (const auto& service : snapshot.services)
    for (const auto& pool : service.pools) each(service.spec.name, pool);
}

void histogram(Exposition& out, const Buckets& buckets, std::string_view service = {},
               std::string_view pool = {}) {
  const auto sample = [&](std::string_view suffix, double value, std::string_view bound) {
    if (service.empty() && bound.empty())
      out.sample(suffix, value);
    else if (service.empty())
      out.sample(suffix, value, {{"le", bound}});
    else if (bound.empty())
      out.sample(suffix, value, {{"service", service}, {"pool", pool}});
    else
      out.sample(suffix, value, {{"service", service}, {"pool", pool}, {"le", bound}});
  };
  for (std::size_t i = 0; i < kBounds.size(); ++i)
    sample("_bucket", static_cast<double>(buckets.at_most[i]), number_text(kBounds[i]));
  sample("_bucket", static_cast<double>(buckets.count), "+Inf");
  sample("_sum", static_cast<double>(buckets.sum_micros) / 1e6, {});
  sample("_count", static_cast<double>(buckets.count), {});
}

// The names that the old dashboards and scripts ask for.
void old_names(Exposition& out, const Roles& roles) {
  out.family("http_requests_total", "counter",
             "Requests by the role of the pool chosen and the class of its first answer (failures without "
             "one are 5xx).");
  for (const auto& [service, counts] : roles.services())
    for (const auto& [suffix, classes] :
         {std::pair("-active", &counts.active), std::pair("-canary", &counts.canary)})
      for (std::size_t i = 1; i < classes->size(); ++i)
        out.sample(static_cast<double>((*classes)[i]),
                   {{"service", service}, {"pod", service + suffix}, {"status", kClassNames[i]}});
  out.family("http_request_duration_seconds", "histogram",
             "From a request's head to the last byte of its answer, all services.");
  histogram(out, roles.durations());
}

void pool_counter(Exposition& out, const route::Snapshot& snapshot, std::string_view name,
                  std::string_view help, Counter PoolCounters::*counter, std::string_view type = "counter") {
  out.family(name, type, help);
  each_pool(snapshot, [&](const std::string& service, const route::Pool& pool) {
    out.sample(
        sum(pool.live->per_worker, [&](const PoolCounters& worker) { return (worker.*counter).get(); }),
        {{"service", service}, {"pool", pool.name}});
  });
}

void pools(Exposition& out, const route::Snapshot& snapshot) {
  pool_counter(out, snapshot, "sluice_requests_total", "Requests that the pool was chosen for.",
               &PoolCounters::requests);
  pool_counter(out, snapshot, "sluice_request_errors_total",
               "Requests whose first attempt failed (5xx, connect, reset, timeout).", &PoolCounters::errors);
  pool_counter(out, snapshot, "sluice_retries_total", "Attempts after the first.", &PoolCounters::retries);
  pool_counter(out, snapshot, "sluice_rescued_total", "Requests that the stable pool answered instead.",
               &PoolCounters::rescued);
  pool_counter(out, snapshot, "sluice_no_backend_total", "Requests that found no eligible backend.",
               &PoolCounters::no_backend);
  pool_counter(out, snapshot, "sluice_client_aborts_total",
               "Requests whose client left before the answer was complete.", &PoolCounters::aborted);
  pool_counter(out, snapshot, "sluice_requests_in_flight", "Requests under way.", &PoolCounters::in_flight,
               "gauge");
  out.family("sluice_ejections_total", "counter", "Backends taken out after consecutive errors.");
  each_pool(snapshot, [&](const std::string& service, const route::Pool& pool) {
    out.sample(static_cast<double>(pool.live->ejections.load()), {{"service", service}, {"pool", pool.name}});
  });
  out.family("sluice_upstream_errors_total", "counter",
             "Failed attempts without an answer's status, by reason.");
  each_pool(snapshot, [&](const std::string& service, const route::Pool& pool) {
    for (std::size_t i = 0; i < observe::kUpstreamErrors; ++i)
      out.sample(sum(pool.live->per_worker,
                     [i](const PoolCounters& worker) { return worker.upstream_errors[i].get(); }),
                 {{"service", service}, {"pool", pool.name}, {"reason", kReasons[i]}});
  });
  out.family("sluice_request_duration_seconds", "histogram",
             "From a request's head to the last byte of its answer.");
  each_pool(snapshot, [&](const std::string& service, const route::Pool& pool) {
    observe::HistogramCounts counts;
    for (const auto& worker : pool.live->per_worker) worker.duration.add_to(counts);
    histogram(out, buckets_of(counts), service, pool.name);
  });
}

void services(Exposition& out, const route::Snapshot& snapshot) {
  out.family("sluice_responses_total", "counter",
             "Answers sent to clients, those made by the proxy included.");
  for (const auto& service : snapshot.services)
    for (std::size_t i = 1; i < 6; ++i)
      out.sample(sum(service.live->per_worker,
                     [i](const observe::ServiceCounters& worker) { return worker.to_client[i].get(); }),
                 {{"service", service.spec.name}, {"status", kClassNames[i]}});
  out.family("sluice_own_errors_total", "counter", "Errors that the proxy itself answered with.");
  for (const auto& service : snapshot.services)
    out.sample(sum(service.live->per_worker,
                   [](const observe::ServiceCounters& worker) { return worker.own_errors.get(); }),
               {{"service", service.spec.name}});
  out.family("sluice_rate_limited_total", "counter", "Requests answered with 429.");
  for (const auto& service : snapshot.services)
    out.sample(sum(service.live->per_worker,
                   [](const observe::ServiceCounters& worker) { return worker.rate_limited.get(); }),
               {{"service", service.spec.name}});
  out.family("sluice_queued_requests", "gauge", "Requests that wait for a place below the service's limit.");
  for (const auto& service : snapshot.services)
    out.sample(static_cast<double>(service.live->waiting.load()), {{"service", service.spec.name}});
  out.family("sluice_queued_for_backend_requests", "gauge",
             "Requests that wait because all backends of their pool have max_in_flight.");
  for (const auto& service : snapshot.services)
    out.sample(static_cast<double>(service.live->waiting_for_backend.load()),
               {{"service", service.spec.name}});
}

void traffic(Exposition& out, const change::StatusView& view) {
  out.family("sluice_service_traffic_state", "gauge", "1 for the state of a service: open, paused, stopped.");
  for (const auto& service : view.services)
    for (const auto state : kTrafficStates)
      out.sample(service.traffic.state == state, {{"service", service.name}, {"state", state}});
  out.family("sluice_held_requests", "gauge", "Requests that a pause holds.");
  for (const auto& service : view.services)
    out.sample(static_cast<double>(service.traffic.held), {{"service", service.name}});
  out.family("sluice_service_in_flight", "gauge",
             "Requests and tunnels of a service that are under way or wait for a place.");
  for (const auto& service : view.services)
    out.sample(static_cast<double>(service.traffic.in_flight), {{"service", service.name}});
}

void laid_over(Exposition& out, const change::StatusView& view) {
  out.family("sluice_flag_share_ratio", "gauge", "The share of users that have a flag, 0 to 1.");
  for (const auto& service : view.services)
    for (const auto& [flag, share] : service.traffic.flags)
      out.sample(static_cast<double>(share) / kWhole, {{"service", service.name}, {"flag", flag}});
  out.family("sluice_mirror_share_ratio", "gauge",
             "The share of requests that is mirrored to a pool, 0 to 1.");
  for (const auto& service : view.services)
    if (const auto& mirror = service.traffic.mirror)
      out.sample(static_cast<double>(mirror->share) / kWhole,
                 {{"service", service.name}, {"pool", mirror->pool}});
  out.family("sluice_mirrored_requests_total", "counter", "Copies of requests, by what became of them.");
  for (const auto& service : view.services)
    for (const auto& [result, count] :
         {std::pair("answered", service.traffic.mirrored), std::pair("failed", service.traffic.mirror_failed),
          std::pair("dropped", service.traffic.mirror_dropped),
          std::pair("skipped", service.traffic.mirror_skipped)})
      out.sample(static_cast<double>(count), {{"service", service.name}, {"result", result}});
  out.family("sluice_preview_requests_total", "counter",
             "Requests that a preview token or a fixed listener sent to the pool; in no other count.");
  for (const auto& service : view.services)
    for (const auto& pool : service.pools)
      out.sample(static_cast<double>(pool.previews), {{"service", service.name}, {"pool", pool.name}});
}

void shares(Exposition& out, const change::StatusView& view) {
  out.family("sluice_split_share_ratio", "gauge", "The share of requests that is set, 0 to 1.");
  for (const auto& service : view.services)
    for (const auto& pool : service.pools)
      out.sample(static_cast<double>(pool.share) / kWhole, {{"service", service.name}, {"pool", pool.name}});
  out.family("sluice_split_measured_share_ratio", "gauge",
             "The share of requests of the last 10 seconds, 0 to 1.");
  for (const auto& service : view.services)
    for (const auto& pool : service.pools)
      if (pool.share_measured)
        out.sample(*pool.share_measured, {{"service", service.name}, {"pool", pool.name}});
  out.family("sluice_pool_stable", "gauge", "1 for the stable pool of a service, 0 for the others.");
  for (const auto& service : view.services)
    for (const auto& pool : service.pools)
      out.sample(pool.name == service.stable, {{"service", service.name}, {"pool", pool.name}});
  out.family("sluice_service_set_aside", "gauge", "1 for a service that could not be restored.");
  for (const auto& service : view.services)
    out.sample(!service.set_aside.empty(), {{"service", service.name}});
  out.family("sluice_draining_backends", "gauge", "Backends whose drain is under way.");
  for (const auto& service : view.services)
    for (const auto& pool : service.pools) {
      double draining = 0;
      for (const auto& backend : pool.backends) draining += backend.admin == "draining";
      out.sample(draining, {{"service", service.name}, {"pool", pool.name}});
    }
}

template <class Value>
void backend_family(Exposition& out, const change::StatusView& view, std::string_view name,
                    std::string_view type, std::string_view help, Value value) {
  out.family(name, type, help);
  for (const auto& service : view.services)
    for (const auto& pool : service.pools)
      for (const auto& backend : pool.backends)
        out.sample(static_cast<double>(value(backend)),
                   {{"service", service.name}, {"pool", pool.name}, {"backend", backend.name}});
}

// One series a state, 1 for the one that is so: a change of state never leaves a stale series behind.
template <class States>
void backend_states(Exposition& out, const change::StatusView& view, std::string_view name,
                    std::string_view help, const States& states, std::string change::BackendView::*field) {
  out.family(name, "gauge", help);
  for (const auto& service : view.services)
    for (const auto& pool : service.pools)
      for (const auto& backend : pool.backends)
        for (const auto state : states)
          out.sample(
              backend.*field == state,
              {{"service", service.name}, {"pool", pool.name}, {"backend", backend.name}, {"state", state}});
}

void backends(Exposition& out, const change::StatusView& view) {
  using change::BackendView;
  std::size_t count = 0;
  for (const auto& service : view.services)
    for (const auto& pool : service.pools) count += pool.backends.size();
  if (count > kMostBackendSeries) return;
  backend_states(out, view, "sluice_backend_admin_state", "The operator's state of a backend.", kAdminStates,
                 &BackendView::admin);
  backend_states(out, view, "sluice_backend_health_state", "What probes and errors say of a backend.",
                 kHealthStates, &BackendView::health);
  backend_family(out, view, "sluice_backend_eligible", "gauge", "1 when the backend gets new requests.",
                 [](const BackendView& backend) { return backend.eligible; });
  backend_family(out, view, "sluice_backend_weight", "gauge", "The weight of a backend in its pool.",
                 [](const BackendView& backend) { return backend.weight; });
  backend_family(out, view, "sluice_backend_in_flight", "gauge", "Requests and tunnels under way.",
                 [](const BackendView& backend) { return backend.in_flight; });
  backend_family(out, view, "sluice_backend_connections", "gauge",
                 "Open connections to the backend, idle ones included.",
                 [](const BackendView& backend) { return backend.connections; });
  backend_family(out, view, "sluice_backend_attempts_total", "counter", "Attempts, retries included.",
                 [](const BackendView& backend) { return backend.requests; });
  backend_family(out, view, "sluice_backend_errors_total", "counter",
                 "Attempts that failed (5xx, connect, reset, timeout, protocol).",
                 [](const BackendView& backend) { return backend.errors; });
}

void single(Exposition& out, std::string_view name, std::string_view type, std::string_view help,
            double value) {
  out.family(name, type, help);
  out.sample(value);
}

// Seconds since 1970, as Prometheus' own exporters say it: alert on `- time() < 14 * 86400`.
void handshakes(Exposition& out, std::string_view name, std::string_view help,
                const worker::Handshakes& some) {
  out.family(name, "counter", help);
  const auto sample = [&out](std::uint64_t value, std::string_view result) {
    out.sample(static_cast<double>(value), {{"result", result}});
  };
  sample(some.done - some.resumed, "full");
  sample(some.resumed, "resumed");
  sample(some.slow, "timeout");
  sample(some.closed, "closed");
  sample(some.broken, "protocol");
  sample(some.untrusted, "certificate");
}

void certificates(Exposition& out, const config::Spec& spec) {
  out.family("sluice_certificate_expiry_seconds", "gauge", "When a listener's certificate ends, Unix time.");
  for (const auto& listener : spec.listeners) {
    if (!listener.tls) continue;
    for (const auto& certificate : listener.tls->certificates)
      out.sample(static_cast<double>(certificate.not_after),
                 {{"listener", listener.name}, {"certificate", certificate.cert}});
  }
}

void daemon(Exposition& out, const change::StatusView& view, const change::ControlCounters& counters,
            const worker::Totals& totals) {
  out.family("sluice_build_info", "gauge", "The version that runs; always 1.");
  out.sample(1, {{"version", view.version}});
  single(out, "sluice_generation", "gauge", "The generation of the routing state in force.",
         static_cast<double>(view.generation));
  single(out, "sluice_state_durable", "gauge", "1 when the generation in force is on the disk.",
         view.durable);
  single(out, "sluice_workers", "gauge", "Worker threads.", static_cast<double>(view.workers));
  single(out, "sluice_connections", "gauge", "Open client connections.",
         static_cast<double>(totals.connections));
  single(out, "sluice_connections_accepted_total", "counter", "Client connections accepted.",
         static_cast<double>(totals.accepted));
  single(out, "sluice_accept_errors_total", "counter", "Connections that could not be accepted.",
         static_cast<double>(totals.accept_errors));
  out.family("sluice_connections_refused_total", "counter",
             "Connections above a listener's limit, closed at once.");
  out.sample(static_cast<double>(totals.over_connection_limit), {{"reason", "max_connections"}});
  out.sample(static_cast<double>(totals.over_client_limit), {{"reason", "max_connections_per_client"}});
  out.sample(static_cast<double>(totals.bad_proxy_header), {{"reason", "proxy_protocol"}});
  out.family("sluice_requests_refused_total", "counter",
             "Requests that the proxy answered itself, by the word of X-Sluice-Error.");
  for (std::size_t i = 0; i < kRefusalReasons.size(); ++i)
    out.sample(static_cast<double>(totals.refused_requests[i]), {{"reason", kRefusalReasons[i]}});
  handshakes(out, "sluice_tls_handshakes_total", "TLS handshakes with clients, by how they went.",
             totals.client_handshakes);
  handshakes(out, "sluice_tls_backend_handshakes_total",
             "TLS handshakes of requests with backends, by how they went.", totals.backend_handshakes);
  single(out, "sluice_access_log_dropped_total", "counter", "Access log lines that could not be kept.",
         static_cast<double>(totals.access_log_dropped));
  out.family("sluice_changes_total", "counter", "Verbs that changed something, and those that were refused.");
  out.sample(static_cast<double>(counters.changes), {{"result", "accepted"}});
  out.sample(static_cast<double>(counters.refused), {{"result", "refused"}});
  out.family("sluice_config_reloads_total", "counter", "Readings of the configuration after the first.");
  out.sample(static_cast<double>(counters.reloads_ok), {{"result", "ok"}});
  out.sample(static_cast<double>(counters.reloads_failed), {{"result", "failed"}});
  out.family("sluice_drained_total", "counter",
             "Requests and tunnels on draining backends: ended by themselves, or closed.");
  out.sample(static_cast<double>(counters.drains_clean), {{"result", "clean"}});
  out.sample(static_cast<double>(counters.drains_forced), {{"result", "forced"}});
  single(out, "sluice_journal_errors_total", "counter", "Changes that the state folder did not take.",
         static_cast<double>(counters.journal_errors));
}

}  // namespace

std::string Scraper::scrape(change::Control& control) {
  observe(control);
  const auto snapshot = control.snapshot();
  const auto view = control.status_now();
  Exposition out;
  old_names(out, roles_);
  daemon(out, view, control.counters(), control.workers().totals());
  certificates(out, control.spec());
  shares(out, view);
  services(out, *snapshot);
  traffic(out, view);
  laid_over(out, view);
  pools(out, *snapshot);
  backends(out, view);
  rollout_metrics(out, view);
  process_metrics(out);
  return out.text();
}

}  // namespace sluice::admin
