#include "control/admin/scrape.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

#include "control/admin/exposition.hpp"
#include "control/admin/process.hpp"
#include "control/admin/scrape_rollouts.hpp"
#include "control/admin/service_metrics.hpp"
#include "control/admin/table_families.hpp"
#include "proxy/route/query.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::admin {

namespace asio = boost::asio;

namespace {

// Seconds since 1970, as Prometheus' own exporters say it: alert on `- time() < 14 * 86400`.
void certificates(Exposition& out, const std::vector<protocol::CertificateStatus>& all) {
  auto& expiry = out.family("sluice_certificate_expiry_seconds", "gauge",
                            "When a listener's certificate ends, Unix time.");
  for (const auto& one : all)
    if (one.not_after_unix > 0)
      expiry.add(one.not_after_unix / 1000,
                 out.keep({{"listener", one.listener}, {"certificate", one.file}}));
  auto& next = out.family("sluice_acme_next_order_seconds", "gauge",
                          "When a listener's certificate is ordered, or tried again, Unix time.");
  for (const auto& one : all)
    if (one.acme) next.add(one.next_order_unix / 1000, out.keep({{"listener", one.listener}}));
  auto& failures =
      out.family("sluice_acme_failures", "gauge", "Orders that failed since a listener's certificate came.");
  for (const auto& one : all)
    if (one.acme) failures.add(one.failures, out.keep({{"listener", one.listener}}));
}

void daemon(Exposition& out, change::Control& control) {
  const worker::Workers& workers = control.workers();
  out.family("sluice_build_info", "gauge", "The version that runs; always 1.")
      .add(1, out.keep({{"version", control.views().version()}}));
  out.single("sluice_generation", "gauge", "The generation of the routing state in force.",
             control.generation());
  out.single("sluice_state_durable", "gauge", "1 when the generation in force is on the disk.",
             control.views().durable());
  out.single("sluice_upgrades_total", "counter", "Upgrades in place that led to this process.",
             control.views().upgrades());
  out.single("sluice_predecessor_connections", "gauge",
             "Client connections that the process has left whose place this one took.",
             control.views().predecessor_connections());
  auto& audit =
      out.family("sluice_audit_head", "gauge",
                 "The number of the audit log's last line, by its hash: what Prometheus keeps of it, who can "
                 "write the log cannot change.");
  if (const auto head = control.views().audit_head())
    audit.add(head->number, out.keep({{"hash", head->hash}}));
  out.single("sluice_workers", "gauge", "Worker threads.", workers.count());
  const auto counted = workers.counters();
  TableFamilies(out, observe::kWorkerMetrics).add(counted);
  out.single("sluice_access_log_dropped_total", "counter", "Access log lines that could not be kept.",
             workers.access_log_dropped());
  TableFamilies(out, change::kControlMetrics).add(control.counters());
}

void notices(Exposition& out, const std::vector<protocol::NotifyStatus>& targets) {
  auto& told = out.family("sluice_notices_total", "counter",
                          "Notices by what became of them: delivered, failed, or told by their number only, "
                          "because they were over the limit or the queue was full.");
  auto& waiting = out.family("sluice_notices_queued", "gauge", "Notices that wait to be delivered.");
  for (const auto& target : targets) {
    const std::pair<std::string_view, std::uint64_t> results[] = {{"delivered", target.delivered},
                                                                  {"failed", target.failed},
                                                                  {"limited", target.limited},
                                                                  {"dropped", target.dropped}};
    for (const auto& [result, count] : results)
      told.add(count, out.keep({{"target", target.name}, {"result", result}}));
    waiting.add(target.queued, out.keep({{"target", target.name}}));
  }
}

void spans(Exposition& out, const std::optional<tracing::Results>& results) {
  if (!results) return;
  auto& all = out.family("sluice_trace_spans_total", "counter",
                         "Spans while tracing is on, by what became of them: sent, failed (the collector did "
                         "not take them), dropped (a worker's ring was full).");
  all.add(results->sent, out.keep({{"result", "sent"}}));
  all.add(results->failed, out.keep({{"result", "failed"}}));
  all.add(results->dropped, out.keep({{"result", "dropped"}}));
}

}  // namespace

// What stands here may take its time: the coroutine goes behind whatever waits on the loop.
Scale scale_of(const route::Snapshot& snapshot) {
  if (snapshot.services.size() <= kFewServices) return Scale::small;
  return backend_count(snapshot) <= kMostBackendSeries ? Scale::many_services : Scale::many_backends;
}

class Breath {
 public:
  asio::awaitable<void> take_if_due() {
    if (Clock::now() - last_ < kLongest) co_return;
    const auto loop = co_await asio::this_coro::executor;
    co_await asio::post(loop, asio::use_awaitable);
    last_ = Clock::now();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kLongest{2};
  Clock::time_point last_ = Clock::now();
};

asio::awaitable<std::unique_ptr<Pieces>> Scraper::scrape(change::Control& control) {
  follow(control);
  const auto snapshot = control.snapshot();  // the same to the end, whatever changes meanwhile
  Exposition out;
  ServiceMetrics services(out, tracks_, control.views(), scale_of(*snapshot));
  Breath breath;
  constexpr std::size_t kAtOnce = 64;  // services
  for (std::size_t i = 0; i < snapshot->services.size(); ++i) {
    if (i % kAtOnce == 0) co_await breath.take_if_due();
    services.add(snapshot->services[i]);
  }
  services.finish();
  rollout_metrics(out, control.views(), *snapshot);
  daemon(out, control);
  certificates(out, control.views().certificates());
  notices(out, control.views().notify());
  spans(out, control.views().spans());
  process_metrics(out);
  co_return std::make_unique<Printer>(std::move(out));
}

}  // namespace sluice::admin
