#include "proxy/observe/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::observe {

void Histogram::add_to(HistogramCounts& out) const {
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    const auto n = buckets_[i].load(std::memory_order_relaxed);
    out.buckets[i] += n;
    out.count += n;
  }
  out.sum_micros += sum_.load(std::memory_order_relaxed);
}

HistogramCounts& HistogramCounts::operator+=(const HistogramCounts& other) {
  for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
  count += other.count;
  sum_micros += other.sum_micros;
  return *this;
}

HistogramCounts& HistogramCounts::operator-=(const HistogramCounts& earlier) {
  for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] -= std::min(buckets[i], earlier.buckets[i]);
  count -= std::min(count, earlier.count);
  sum_micros -= std::min(sum_micros, earlier.sum_micros);
  return *this;
}

std::uint64_t HistogramCounts::quantile(double q) const {
  if (count == 0) return 0;
  const auto rank =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    seen += buckets[i];
    if (seen >= rank) return HistogramLayout::upper(i);
  }
  return HistogramLayout::upper(buckets.size() - 1);
}

std::uint64_t HistogramCounts::at_most(std::uint64_t micros) const {
  const std::size_t last = HistogramLayout::index(micros);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i <= last; ++i) seen += buckets[i];
  return seen;
}

}  // namespace sluice::observe
