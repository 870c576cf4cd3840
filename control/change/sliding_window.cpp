#include "control/change/sliding_window.hpp"

#include <algorithm>

#include "control/state/read_json.hpp"
#include "proxy/route/query.hpp"

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

std::optional<PoolWindow::Step> PoolWindow::sample(const observe::PoolLive& live, io::Clock::time_point now) {
  const PoolSums sums = sums_of(live);
  samples_.push_back({now, sums.requests, sums.errors});
  most_in_flight_ = std::max(most_in_flight_, sums.in_flight);
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

PoolWindow::Step PoolWindow::step(const observe::PoolLive& live, const PoolSums& sums) {
  const PoolMemory::Piece piece{sums.requests - sums_before_.requests, sums.errors - sums_before_.errors,
                                std::exchange(most_in_flight_, 0)};
  HistoryPoint point{.requests = static_cast<std::uint32_t>(piece.requests),
                     .errors = static_cast<std::uint32_t>(piece.errors),
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
  Step made{point, piece};
  made.piece.sum_micros = steps_.back().sum_micros;
  return made;
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

// A pool's window begins as a copy of the idle one: until then it was that. Null while it had no request.
SlidingWindow::Entry* SlidingWindow::entry_of(const route::Service& service, const route::Pool& pool) {
  const auto known = pools_.find(pool.live.get());
  if (known != pools_.end()) return &known->second;
  auto before = before_.extract({service.spec.name, pool.name});
  if (before.empty() && sums_of(*pool.live).requests == 0) return nullptr;
  Entry& made = pools_.emplace(pool.live.get(), Entry{pool.live, idle_, {}, {}}).first->second;
  if (!before.empty()) made.memory = std::move(before.mapped());
  return &made;
}

void SlidingWindow::sample(const route::Snapshot& snapshot, io::Clock::time_point now) {
  if (!followed_) followed_ = now;
  for (const auto& service : snapshot.services)
    for (const auto& pool : service.pools) {
      Entry* entry = entry_of(service, pool);
      if (!entry) continue;
      if (auto step = entry->recent.sample(*pool.live, now)) {
        step->point.share = pool.share;
        entry->history.add(step->point);
        step->piece.eligible = static_cast<std::size_t>(std::ranges::count_if(
            pool.backends, [&pool](const route::Backend& backend) { return eligible_in(pool, backend); }));
        entry->memory.add(now, step->piece, entry->recent.ended());
      }
    }
  before_.clear();
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

const PoolMemory& SlidingWindow::memory_of(const observe::PoolLive& live) const {
  const auto found = pools_.find(&live);
  return found == pools_.end() ? no_memory_ : found->second.memory;
}

boost::json::object SlidingWindow::known(const route::Snapshot& snapshot) const {
  boost::json::object services;
  for (const auto& service : snapshot.services)
    for (const auto& pool : service.pools) {
      const auto found = pools_.find(pool.live.get());
      if (found == pools_.end()) continue;
      auto& pools = services[service.spec.name];
      if (!pools.is_object()) pools.emplace_object();
      pools.get_object()[pool.name] = found->second.memory.known();
    }
  boost::json::object known{{"services", std::move(services)}};
  if (followed_)
    known["followed"] = std::chrono::floor<std::chrono::milliseconds>(*followed_).time_since_epoch().count();
  return known;
}

bool SlidingWindow::remember(const boost::json::value& known) {
  const auto* services = state::field(known, "services");
  if (!services || !services->is_object()) return false;
  Remembered all;
  for (const auto& [service, pools] : services->get_object()) {
    if (!pools.is_object()) return false;
    for (const auto& [pool, value] : pools.get_object()) {
      auto memory = PoolMemory::from(value);
      if (!memory) return false;
      all.emplace(std::pair(std::string(service), std::string(pool)), std::move(*memory));
    }
  }
  before_ = std::move(all);
  if (const auto since = state::number_field<std::int64_t>(known, "followed"))
    followed_ = std::min(io::Clock::now(), io::Clock::time_point(std::chrono::milliseconds(*since)));
  return true;
}

}  // namespace sluice::change
