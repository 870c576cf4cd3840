#include "control/admin/scrape.hpp"

#include <algorithm>

#include "control/admin/exposition.hpp"
#include "control/admin/process.hpp"
#include "control/admin/scrape_rollouts.hpp"

namespace sluice::admin {

namespace {

using Labels = Exposition::Labels;

constexpr std::string_view kAdminStates[] = {"ready", "draining", "drained", "maint"};
constexpr std::string_view kTrafficStates[] = {"open", "paused", "stopped"};
constexpr std::string_view kHealthStates[] = {"unknown", "up", "down", "ejected"};

// The families of a table that stands beside its counters. `each` hands every source to its argument, with
// the service and the pool that it is of.
template <class Source, std::size_t n, class Each>
void families(Exposition& out, const observe::Metric<Source> (&metrics)[n], Each each) {
  for (const auto& metric : metrics) {
    out.family(metric.name, metric.type, metric.help);
    each([&](const Source& source, std::string_view service, std::string_view pool) {
      for (std::size_t i = 0; i < std::max<std::size_t>(1, metric.values.size()); ++i)
        out.sample(static_cast<double>(metric.read(source, i)),
                   {{service.empty() ? "" : "service", service},
                    {pool.empty() ? "" : "pool", pool},
                    {metric.label, metric.values.empty() ? "" : metric.values[i]}});
    });
  }
}

// Of the whole process.
template <class Source, std::size_t n>
void families(Exposition& out, const observe::Metric<Source> (&metrics)[n], const Source& source) {
  families(out, metrics, [&](const auto& write) { write(source, "", ""); });
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
void old_names(Exposition& out, const Tracks& tracks) {
  out.family("http_requests_total", "counter",
             "Requests by the role of the pool chosen and the class of its first answer (failures without "
             "one are 5xx).");
  for (const auto& [service, counts] : tracks.services())
    for (const auto& [suffix, classes] :
         {std::pair("-active", &counts.active), std::pair("-canary", &counts.canary)})
      for (std::size_t i = 1; i < classes->size(); ++i)
        out.sample(
            static_cast<double>((*classes)[i]),
            {{"service", service}, {"pod", service + suffix}, {"status", observe::kStatusClasses[i - 1]}});
  out.family("http_request_duration_seconds", "histogram",
             "From a request's head to the last byte of its answer, all services.");
  histogram(out, tracks.durations());
}

void pools(Exposition& out, const route::Snapshot& snapshot) {
  families(out, observe::kPoolMetrics, [&](const auto& write) {
    each_pool(snapshot, [&](const std::string& service, const route::Pool& pool) {
      write(*pool.live, service, pool.name);
    });
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
  families(out, observe::kServiceMetrics, [&](const auto& write) {
    for (const auto& service : snapshot.services) write(*service.live, service.spec.name, "");
  });
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

void flags_and_mirrors(Exposition& out, const change::StatusView& view) {
  out.family("sluice_flag_share_ratio", "gauge", "The share of users that have a flag, 0 to 1.");
  for (const auto& service : view.services)
    for (const auto& [flag, share] : service.flags)
      out.sample(static_cast<double>(share) / kWhole, {{"service", service.name}, {"flag", flag}});
  out.family("sluice_mirror_share_ratio", "gauge",
             "The share of requests that is mirrored to a pool, 0 to 1.");
  for (const auto& service : view.services)
    if (const auto& mirror = service.mirror)
      out.sample(static_cast<double>(mirror->share) / kWhole,
                 {{"service", service.name}, {"pool", mirror->pool}});
  out.family("sluice_mirrored_requests_total", "counter", "Copies of requests, by what became of them.");
  for (const auto& service : view.services)
    for (const auto& [result, count] :
         {std::pair("answered", service.mirrored.answered), std::pair("failed", service.mirrored.failed),
          std::pair("dropped", service.mirrored.dropped), std::pair("skipped", service.mirrored.skipped)})
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

struct BackendMetric {
  std::string_view name, type, help;
  double (*read)(const change::BackendView& backend);
};
template <auto member>
double of_backend(const change::BackendView& backend) {
  return static_cast<double>(backend.*member);
}

constexpr BackendMetric kBackendMetrics[] = {
    {"sluice_backend_eligible", "gauge", "1 when the backend gets new requests.",
     of_backend<&change::BackendView::eligible>},
    {"sluice_backend_weight", "gauge", "The weight of a backend in its pool.",
     of_backend<&change::BackendView::weight>},
    {"sluice_backend_in_flight", "gauge", "Requests and tunnels under way.",
     of_backend<&change::BackendView::in_flight>},
    {"sluice_backend_connections", "gauge", "Open connections to the backend, idle ones included.",
     of_backend<&change::BackendView::connections>},
    {"sluice_backend_streams", "gauge", "Open HTTP/2 streams to the backend.",
     of_backend<&change::BackendView::streams>},
    {"sluice_backend_streams_refused_total", "counter",
     "HTTP/2 streams that the backend did not process (REFUSED_STREAM, GOAWAY).",
     of_backend<&change::BackendView::streams_refused>},
    {"sluice_backend_attempts_total", "counter", "Attempts, retries included.",
     of_backend<&change::BackendView::requests>},
    {"sluice_backend_errors_total", "counter",
     "Attempts that failed (5xx, connect, reset, timeout, protocol).",
     of_backend<&change::BackendView::errors>},
};

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
  for (const auto& metric : kBackendMetrics) {
    out.family(metric.name, metric.type, metric.help);
    for (const auto& service : view.services)
      for (const auto& pool : service.pools)
        for (const auto& backend : pool.backends)
          out.sample(metric.read(backend),
                     {{"service", service.name}, {"pool", pool.name}, {"backend", backend.name}});
  }
}

// Seconds since 1970, as Prometheus' own exporters say it: alert on `- time() < 14 * 86400`.
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
            const worker::Workers& workers) {
  out.family("sluice_build_info", "gauge", "The version that runs; always 1.");
  out.sample(1, {{"version", view.version}});
  out.single("sluice_generation", "gauge", "The generation of the routing state in force.",
             static_cast<double>(view.generation));
  out.single("sluice_state_durable", "gauge", "1 when the generation in force is on the disk.", view.durable);
  out.single("sluice_workers", "gauge", "Worker threads.", static_cast<double>(view.workers));
  families(out, observe::kWorkerMetrics, workers.counters());
  out.single("sluice_access_log_dropped_total", "counter", "Access log lines that could not be kept.",
             static_cast<double>(workers.access_log_dropped()));
  families(out, change::kControlMetrics, counters);
}

}  // namespace

std::string Scraper::scrape(change::Control& control) {
  observe(control);
  const auto snapshot = control.snapshot();
  const auto view = control.views().status_now();
  Exposition out;
  old_names(out, tracks_);
  daemon(out, view, control.counters(), control.workers());
  certificates(out, control.spec());
  shares(out, view);
  services(out, *snapshot);
  traffic(out, view);
  flags_and_mirrors(out, view);
  pools(out, *snapshot);
  backends(out, view);
  rollout_metrics(out, view);
  process_metrics(out);
  return out.text();
}

}  // namespace sluice::admin
