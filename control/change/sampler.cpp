#include "control/change/sampler.hpp"

#include <algorithm>

#include "proxy/base/values.hpp"

namespace sluice::change {
namespace {

constexpr std::chrono::seconds kForRates{10}, kForErrors = PoolWindow::kWindow;  // as in the status

std::optional<double> part_of(std::uint64_t part, std::uint64_t all) {
  if (all == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(all);
}

double milliseconds_of(std::uint64_t micros) { return static_cast<double>(micros) / 1000.0; }

void add_latencies(protocol::PoolSample& sample, const observe::HistogramCounts& latencies) {
  if (latencies.count == 0) return;
  sample.p50_ms = milliseconds_of(latencies.quantile(0.50));
  sample.p95_ms = milliseconds_of(latencies.quantile(0.95));
  sample.p99_ms = milliseconds_of(latencies.quantile(0.99));
}

std::uint64_t in_flight_of(const observe::PoolLive& live) {
  std::uint64_t in_flight = sums_of(live).in_flight;
  for (const auto& worker : live.previews) in_flight += worker.in_flight.get();
  return in_flight;
}

// `length` points: a pool that had its first request later begins with empty ones.
protocol::PoolColumns columns_of(const route::Pool& pool, const PoolHistory& history, std::size_t length) {
  protocol::PoolColumns columns;
  columns.name = pool.name;
  const HistoryPoint none{};
  for (std::size_t i = 0; i < length; ++i) {
    const std::size_t before = length - history.size();
    const HistoryPoint& point = i < before ? none : history[i - before];
    columns.share.push_back(point.share);
    columns.requests.push_back(point.requests);
    columns.errors.push_back(point.errors);
    columns.in_flight.push_back(point.in_flight);
    columns.p50_ms.push_back(point.p50_ms);
    columns.p95_ms.push_back(point.p95_ms);
    columns.p99_ms.push_back(point.p99_ms);
  }
  return columns;
}

}  // namespace

protocol::Sample Sampler::now(const std::string& service) const {
  const auto now = io::Clock::now();
  protocol::Sample sample{time_text(std::chrono::system_clock::now()), in_force_.state.generation, {}};
  for (const auto& one : in_force_.snapshot->services)
    if (service.empty() || one.spec.name == service) sample.services.push_back(sample_of(one, now));
  return sample;
}

protocol::ServiceSample Sampler::sample_of(const route::Service& service, io::Clock::time_point now) const {
  protocol::ServiceSample sample{service.spec.name, {}};
  std::vector<std::uint64_t> shortly;
  std::uint64_t all = 0;
  for (const auto& pool : service.pools) {
    const PoolWindow& recent = recent_.of(*pool.live);
    auto& one = sample.pools.emplace_back();
    one.name = pool.name;
    one.share = pool.share;
    one.in_flight = in_flight_of(*pool.live);
    one.eligible = static_cast<std::uint64_t>(std::ranges::count_if(
        pool.backends, [&pool](const route::Backend& backend) { return eligible_in(pool, backend); }));
    const auto rate = recent.last(kForRates, *pool.live, now);
    all += shortly.emplace_back(rate.requests);
    if (rate.seconds > 0) one.requests_per_second = static_cast<double>(rate.requests) / rate.seconds;
    const auto minute = recent.last(kForErrors, *pool.live, now);
    one.error_rate = part_of(minute.errors, minute.requests);
    if (minute.requests > 0) add_latencies(one, recent.latencies(*pool.live));
  }
  for (std::size_t i = 0; i < shortly.size(); ++i) sample.pools[i].share_measured = part_of(shortly[i], all);
  return sample;
}

protocol::SampleHistory Sampler::history(const std::string& name) const {
  protocol::SampleHistory history{name, PoolHistory::kInterval, {}, {}};
  const route::Service* service = in_force_.routed(name);
  if (!service || recent_.until() == io::Clock::time_point()) return history;
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(io::Clock::now() - recent_.until());
  history.until = time_text(std::chrono::system_clock::now() - age);
  std::size_t length = 0;
  for (const auto& pool : service->pools) length = std::max(length, recent_.history_of(*pool.live).size());
  for (const auto& pool : service->pools)
    history.pools.push_back(columns_of(pool, recent_.history_of(*pool.live), length));
  return history;
}

}  // namespace sluice::change
