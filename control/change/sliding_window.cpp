#include "control/change/sliding_window.hpp"

namespace sluice::change {
namespace {

observe::HistogramCounts counts_of(const observe::PoolLive& live) {
  observe::HistogramCounts counts;
  for (const auto& worker : live.per_worker) worker.duration.add_to(counts);
  return counts;
}

}  // namespace

PoolSums sums_of(const observe::PoolLive& live) {
  PoolSums sums;
  for (const auto& worker : live.per_worker) {
    sums.requests += worker.requests.get();
    sums.errors += worker.errors.get();
    sums.in_flight += worker.in_flight.get();
  }
  return sums;
}

std::optional<HistoryPoint> PoolWindow::sample(const observe::PoolLive& live, io::Clock::time_point now) {
  const PoolSums sums = sums_of(live);
  samples_.push_back({now, sums.requests, sums.errors});
  while (samples_.size() > 1 && samples_[1].at <= now - kWindow) samples_.pop_front();
  if (now < next_step_) return std::nullopt;
  next_step_ = now + kHistogramStep;
  return step(live, sums);
}

PoolWindow::Counts PoolWindow::filled(const observe::HistogramCounts& counts) {
  Counts out;
  for (std::size_t i = 0; i < counts.buckets.size(); ++i)
    if (counts.buckets[i] > 0) out.buckets.emplace_back(static_cast<std::uint32_t>(i), counts.buckets[i]);
  out.sum_micros = counts.sum_micros;
  return out;
}

// Requires: `from` has counted them.
void PoolWindow::subtract(const Counts& less, observe::HistogramCounts& from) {
  for (const auto& [bucket, n] : less.buckets) {
    from.buckets[bucket] -= n;
    from.count -= n;
  }
  from.sum_micros -= less.sum_micros;
}

HistoryPoint PoolWindow::step(const observe::PoolLive& live, const PoolSums& sums) {
  HistoryPoint point{.requests = static_cast<std::uint32_t>(sums.requests - sums_before_.requests),
                     .errors = static_cast<std::uint32_t>(sums.errors - sums_before_.errors),
                     .in_flight = static_cast<std::uint32_t>(sums.in_flight)};
  steps_.emplace_back();
  if (!(sums == sums_before_)) {
    observe::HistogramCounts made = counts_of(live);
    Counts now = filled(made);
    subtract(before_, made);
    steps_.back() = filled(made);
    before_ = std::move(now);
    sums_before_ = sums;
    if (made.count > 0) point.set_latencies(made);
  }
  if (steps_.size() > static_cast<std::size_t>(kWindow / kHistogramStep)) steps_.pop_front();
  return point;
}

PoolWindow::Delta PoolWindow::last(std::chrono::seconds window, const observe::PoolLive& live,
                                   io::Clock::time_point now) const {
  if (samples_.empty()) return {};
  // The latest sample that is at least `window` old, else the first.
  auto from = samples_.rbegin();
  while (from + 1 != samples_.rend() && from->at > now - window) ++from;
  const PoolSums sums = sums_of(live);
  return {sums.requests - from->requests, sums.errors - from->errors,
          std::chrono::duration<double>(now - from->at).count()};
}

observe::HistogramCounts PoolWindow::latencies(const observe::PoolLive& live) const {
  observe::HistogramCounts counts = counts_of(live);
  subtract(before_, counts);
  for (const auto& step : steps_) {
    for (const auto& [bucket, n] : step.buckets) {
      counts.buckets[bucket] += n;
      counts.count += n;
    }
    counts.sum_micros += step.sum_micros;
  }
  return counts;
}

// A pool's window begins as a copy of the idle one: until then it was that.
void SlidingWindow::sample(const route::Snapshot& snapshot, io::Clock::time_point now) {
  for (const auto& service : snapshot.services)
    for (const auto& pool : service.pools) {
      auto known = pools_.find(pool.live.get());
      if (known == pools_.end()) {
        if (sums_of(*pool.live).requests == 0) continue;
        known = pools_.emplace(pool.live.get(), Entry{pool.live, idle_, {}}).first;
      }
      if (auto point = known->second.recent.sample(*pool.live, now)) {
        point->share = pool.share;
        known->second.history.add(*point);
      }
    }
  if (idle_.sample(nothing_, now)) until_ = now;
  std::erase_if(pools_, [](const auto& entry) { return entry.second.live.use_count() == 1; });
}

const PoolWindow& SlidingWindow::of(const observe::PoolLive& live) const {
  const auto found = pools_.find(&live);
  return found == pools_.end() ? idle_ : found->second.recent;
}

const PoolHistory& SlidingWindow::history_of(const observe::PoolLive& live) const {
  const auto found = pools_.find(&live);
  return found == pools_.end() ? no_history_ : found->second.history;
}

}  // namespace sluice::change
