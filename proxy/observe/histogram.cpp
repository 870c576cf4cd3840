#include "proxy/observe/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::observe {

Histogram::~Histogram() {
  for (const auto& octave : octaves_) delete octave.load();
}

Histogram::Octave* Histogram::make(std::atomic<Octave*>& place) {
  auto* const octave = new Octave{};
  place.store(octave, std::memory_order_release);  // a reader that sees it sees its zeros
  return octave;
}

void Histogram::add_to(HistogramCounts& out) const {
  each([&out](std::size_t bucket, std::uint64_t n) {
    out.buckets[bucket] += n;
    out.count += n;
  });
  out.sum_micros += sum_micros();
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
