#include "control/admin/tracks.hpp"

#include <cmath>

namespace sluice::admin {

Buckets buckets_of(const observe::HistogramCounts& counts) {
  Buckets out;
  std::uint64_t seen = 0;
  for (std::size_t i = 0, next = 0; i < kBounds.size(); ++i) {
    const auto bound = static_cast<std::uint64_t>(std::llround(kBounds[i] * 1e6));
    for (const auto last = observe::HistogramLayout::index(bound); next <= last; ++next)
      seen += counts.buckets[next];
    out.at_most[i] = seen;
  }
  out.count = counts.count;
  out.sum_micros = counts.sum_micros;
  return out;
}

namespace {

// A counter that is smaller than it was belongs to a pool that was made anew under an old name.
std::uint64_t grown(std::uint64_t now, std::uint64_t before) { return now >= before ? now - before : now; }

Classes classes_of(const route::Pool& pool) {
  Classes out{};
  for (const auto& worker : pool.live->per_worker)
    for (std::size_t i = 1; i < out.size(); ++i) out[i] += worker.by_class[i].get();
  return out;
}

Buckets durations_of(const route::Pool& pool) {
  observe::HistogramCounts counts;
  for (const auto& worker : pool.live->per_worker) worker.duration.add_to(counts);
  return buckets_of(counts);
}

}  // namespace

void Tracks::count(const std::string& service, const route::Pool& pool, bool active) {
  auto [place, is_new] = seen_.try_emplace({service, pool.name});
  auto& seen = place->second;
  if (is_new) seen.active = active;
  const auto classes = classes_of(pool);
  auto& track = seen.active ? all_[service].active : all_[service].canary;
  for (std::size_t i = 1; i < classes.size(); ++i) track[i] += grown(classes[i], seen.classes[i]);
  seen.classes = classes;
  seen.active = active;
  if (const auto sums = change::sums_of(*pool.live); !(sums == seen.sums)) {
    count_durations(seen, durations_of(pool));
    seen.sums = sums;
  }
}

void Tracks::count_durations(Seen& seen, const Buckets& durations) {
  const bool made_anew = durations.count < seen.durations.count;
  const Buckets before = made_anew ? Buckets{} : seen.durations;
  for (std::size_t i = 0; i < kBounds.size(); ++i)
    durations_.at_most[i] += durations.at_most[i] - before.at_most[i];
  durations_.count += durations.count - before.count;
  durations_.sum_micros += durations.sum_micros - before.sum_micros;
  seen.durations = durations;
}

void Tracks::observe(const route::Snapshot& snapshot) {
  current_.clear();
  for (const auto& service : snapshot.services) {
    for (std::size_t i = 0; i < service.pools.size(); ++i)
      count(service.spec.name, service.pools[i], i == service.stable);
    current_[service.spec.name] = all_[service.spec.name];
  }
}

}  // namespace sluice::admin
