#include "control/admin/service_metrics.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "control/admin/backend_metrics.hpp"
#include "control/admin/table_families.hpp"
#include "control/admin/told.hpp"
#include "proxy/observe/metric.hpp"

namespace sluice::admin {
namespace {

using observe::Told;

bool had_calls(const route::Service& service) {
  const auto any = [](const observe::PoolCounters& worker) {
    return std::ranges::any_of(worker.grpc, [](const observe::Counter& n) { return n.get() > 0; });
  };
  return std::ranges::any_of(service.pools, [&](const route::Pool& pool) {
    return std::ranges::any_of(pool.live->per_worker, any);
  });
}

}  // namespace

class HistogramFamily {
 public:
  HistogramFamily(Exposition& out, std::string_view name, std::string_view help)
      : family_(out.family(name, "histogram", help)),
        infinite_(family_.form("_bucket", R"(le="+Inf")")),
        sum_(family_.form("_sum", {})),
        count_(family_.form("_count", {})) {
    char digits[Number::kMostDigits];
    for (std::size_t i = 0; i < bounds_.size(); ++i) {
      const std::string_view bound(digits,
                                   static_cast<std::size_t>(Number(kBounds[i]).print(digits) - digits));
      bounds_[i] = family_.form("_bucket", Labels{{"le", bound}});
    }
  }

  void add(const Buckets& buckets, LabelsId labels = kNoLabels) {
    for (std::size_t i = 0; i < bounds_.size(); ++i) family_.add(buckets.at_most[i], labels, bounds_[i]);
    family_.add(buckets.count, labels, infinite_);
    family_.add(static_cast<double>(buckets.sum_micros) / 1e6, labels, sum_);
    family_.add(buckets.count, labels, count_);
  }

 private:
  Family& family_;
  std::array<Family::Form, kBounds.size()> bounds_;
  Family::Form infinite_, sum_, count_;
};

// The names that the old dashboards and scripts ask for.
struct OldNames {
  explicit OldNames(Exposition& to)
      : out(to),
        requests(out.family("http_requests_total", "counter",
                            "Requests by the role of the pool chosen and the class of its first answer "
                            "(failures without one are 5xx).")),
        durations(out, "http_request_duration_seconds",
                  "From a request's head to the last byte of its answer, all services.") {
    for (const auto status : observe::kStatusClasses)
      classes.push_back(requests.form({}, Labels{{"status", status}}));
  }

  // 1xx is an answer that few backends ever give.
  void add(const std::string& service, const Tracks::Service& counts, bool little) {
    for (const auto& [suffix, track] :
         {std::pair("-active", &counts.active), std::pair("-canary", &counts.canary)}) {
      const LabelsId labels = out.keep({{"service", service}, {"pod", service + suffix}});
      for (std::size_t i = little ? 2 : 1; i < track->size(); ++i)
        requests.add((*track)[i], labels, classes[i - 1]);
    }
  }

  Exposition& out;
  Family& requests;
  std::vector<Family::Form> classes;
  HistogramFamily durations;
};

struct ShareMetrics {
  explicit ShareMetrics(Exposition& out)
      : set(out.family("sluice_split_share_ratio", "gauge", "The share of requests that is set, 0 to 1.")),
        measured(out.family("sluice_split_measured_share_ratio", "gauge",
                            "The share of requests of the last 10 seconds, 0 to 1.")),
        stable(out.family("sluice_pool_stable", "gauge",
                          "1 for the stable pool of a service, 0 for the others.")) {}

  Family &set, &measured, &stable;
};

struct TrafficMetrics {
  explicit TrafficMetrics(Exposition& out)
      : set_aside(
            out.family("sluice_service_set_aside", "gauge", "1 for a service that could not be restored.")),
        state(out.family("sluice_service_traffic_state", "gauge",
                         "1 for the state of a service: open, paused, stopped.")),
        open(state.form({}, R"(state="open")")),
        paused(state.form({}, R"(state="paused")")),
        stopped(state.form({}, R"(state="stopped")")),
        held(out.family("sluice_held_requests", "gauge", "Requests that a pause holds.")),
        in_flight(out.family("sluice_service_in_flight", "gauge",
                             "Requests and tunnels of a service that are under way or wait for a place.")) {}

  void add(const route::Service& service, LabelsId labels) {
    using Kind = route::Hold::Kind;
    const auto is = [&service](Kind kind) { return service.hold && service.hold->kind == kind; };
    set_aside.add(!service.disabled.empty(), labels);
    state.add(!service.hold, labels, open);
    state.add(is(Kind::paused), labels, paused);
    state.add(is(Kind::stopped), labels, stopped);
    held.add(service.live->hold.held.load(), labels);
    in_flight.add(service.live->under_way(), labels);
  }

  Family &set_aside, &state;
  Family::Form open, paused, stopped;
  Family &held, &in_flight;
};

// What there is only where somebody asked for it.
struct ExtraMetrics {
  explicit ExtraMetrics(Exposition& to)
      : out(to),
        flags(out.family("sluice_flag_share_ratio", "gauge", "The share of users that have a flag, 0 to 1.")),
        mirror(out.family("sluice_mirror_share_ratio", "gauge",
                          "The share of requests that is mirrored to a pool, 0 to 1.")),
        mirrored(out.family("sluice_mirrored_requests_total", "counter",
                            "Copies of requests, by what became of them.")),
        previews(out.family("sluice_preview_requests_total", "counter",
                            "Requests that a preview token or a fixed listener sent to the pool; in no other "
                            "count.")),
        assets(out, observe::kAssetMetrics) {
    for (std::size_t i = 0; i < std::size(kResults); ++i)
      results[i] = mirrored.form({}, Labels{{"result", kResults[i].first}});
  }

  void add(const route::Service& service) {
    const std::string& name = service.spec.name;
    for (const auto& flag : service.flags)
      flags.add(static_cast<double>(flag.share) / kWhole, out.keep({{"service", name}, {"flag", flag.name}}));
    add_mirror(service);
    if (service.spec.assets)
      for (const auto& pool : service.pools)
        assets.add(*pool.live, out.keep({{"service", name}, {"pool", pool.name}}));
    const auto count = [](const route::Pool& pool) {
      return observe::sum_over(pool.live->previews, [](const auto& worker) { return worker.requests.get(); });
    };
    if (std::ranges::any_of(service.pools, [&](const route::Pool& pool) { return count(pool) > 0; }))
      for (const auto& pool : service.pools)
        previews.add(count(pool), out.keep({{"service", name}, {"pool", pool.name}}));
  }

  void add_mirror(const route::Service& service) {
    if (const auto& to = service.mirror)
      mirror.add(static_cast<double>(to->share) / kWhole,
                 out.keep({{"service", service.spec.name}, {"pool", service.pools[to->pool].name}}));
    std::uint64_t counts[std::size(kResults)] = {}, all = 0;
    for (std::size_t i = 0; i < std::size(kResults); ++i)
      all += counts[i] = observe::sum_over(
          service.live->per_worker, [&](const auto& worker) { return (worker.*kResults[i].second).get(); });
    if (all == 0 && !service.mirror) return;
    const LabelsId labels = out.keep({{"service", service.spec.name}});
    for (std::size_t i = 0; i < std::size(kResults); ++i) mirrored.add(counts[i], labels, results[i]);
  }

  using Counters = observe::ServiceCounters;
  static constexpr std::pair<std::string_view, observe::Counter Counters::*> kResults[] = {
      {"answered", &Counters::mirrored},
      {"failed", &Counters::mirror_failed},
      {"dropped", &Counters::mirror_dropped},
      {"skipped", &Counters::mirror_skipped}};

  Exposition& out;
  Family &flags, &mirror, &mirrored, &previews;
  TableFamilies<observe::PoolLive> assets;
  std::array<Family::Form, std::size(kResults)> results;
};

struct PoolMetrics {
  explicit PoolMetrics(Exposition& out)
      : requests(out, observe::kRequestMetrics),
        traffic(out, observe::kPoolMetrics),
        calls(out, observe::kGrpcMetrics),
        draining(out.family("sluice_draining_backends", "gauge", "Backends whose drain is under way.")),
        pace(out.family("sluice_pace_per_second", "gauge",
                        "Long connections that a paced drain tells to end, a second.")),
        paced(out.family("sluice_paced_connections", "gauge",
                         "Long connections that a paced drain has not told to end yet.")),
        durations(out, "sluice_request_duration_seconds",
                  "From a request's head to the last byte of its answer.") {}

  TableFamilies<observe::PoolLive> requests, traffic, calls;
  Family &draining, &pace, &paced;
  HistogramFamily durations;
};

struct ServiceMetrics::Families {
  Families(Exposition& out, const change::StatusWriter& views)
      : old(out),
        shares(out),
        traffic(out),
        extras(out),
        answers(out, observe::kServiceMetrics),
        pools(out),
        backends(out, views) {}

  OldNames old;
  ShareMetrics shares;
  TrafficMetrics traffic;
  ExtraMetrics extras;
  TableFamilies<observe::ServiceLive> answers;
  PoolMetrics pools;
  BackendMetrics backends;
};

ServiceMetrics::ServiceMetrics(Exposition& out, const Tracks& tracks, const change::StatusWriter& views,
                               Scale scale)
    : out_(out),
      tracks_(tracks),
      views_(views),
      scale_(scale),
      durations_(tracks.gone()),
      to_(std::make_unique<Families>(out, views)) {}

ServiceMetrics::~ServiceMetrics() = default;

void ServiceMetrics::add(const route::Service& service) {
  const Told told = service.live->told = told_of(service, scale_);
  to_->old.add(service.spec.name, tracks_.of(service), told == Told::little);
  to_->extras.add(service);
  pool_labels_.clear();
  for (const auto& pool : service.pools) {
    const LabelsId of_pool = out_.keep({{"service", service.spec.name}, {"pool", pool.name}});
    pool_labels_.push_back(of_pool);
    to_->shares.set.add(static_cast<double>(pool.share) / kWhole, of_pool);
    to_->pools.requests.add(*pool.live, of_pool);
  }
  if (told == Told::little) return;
  const LabelsId labels = out_.keep({{"service", service.spec.name}});
  to_->traffic.add(service, labels);
  to_->answers.add(*service.live, labels);
  add_pools(service);
  if (told == Told::all) to_->backends.add(service);
}

void ServiceMetrics::add_pools(const route::Service& service) {
  const bool calls = had_calls(service);
  const auto measured = views_.shares_measured(service);
  for (std::size_t i = 0; i < service.pools.size(); ++i) {
    const route::Pool& pool = service.pools[i];
    const LabelsId labels = pool_labels_[i];
    if (!measured.empty()) to_->shares.measured.add(measured[i], labels);
    to_->shares.stable.add(i == service.stable, labels);
    to_->pools.traffic.add(*pool.live, labels);
    if (calls) to_->pools.calls.add(*pool.live, labels);
    to_->pools.draining.add(views_.draining(pool), labels);
    if (const auto pace = views_.pace(pool)) {
      to_->pools.pace.add(pace->now, labels);
      to_->pools.paced.add(pace->left, labels);
    }
    if (change::sums_of(*pool.live).requests == 0) continue;
    const Buckets durations = durations_of(*pool.live);
    to_->pools.durations.add(durations, labels);
    durations_ += durations;
  }
}

void ServiceMetrics::finish() { to_->old.durations.add(durations_); }

}  // namespace sluice::admin
