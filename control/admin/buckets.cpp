#include "control/admin/buckets.hpp"

namespace sluice::admin {
namespace {

using observe::HistogramLayout;

// For each fine bucket the bound that it is within; kBounds.size() is behind the last.
constexpr auto kBoundOf = [] {
  std::array<std::uint8_t, HistogramLayout::kBuckets> out{};
  std::size_t bound = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto micros = [](double seconds) { return static_cast<std::uint64_t>(seconds * 1e6 + 0.5); };
    while (bound < kBounds.size() && i > HistogramLayout::index(micros(kBounds[bound]))) ++bound;
    out[i] = static_cast<std::uint8_t>(bound);
  }
  return out;
}();

}  // namespace

Buckets& Buckets::operator+=(const Buckets& other) {
  for (std::size_t i = 0; i < at_most.size(); ++i) at_most[i] += other.at_most[i];
  count += other.count;
  sum_micros += other.sum_micros;
  return *this;
}

Buckets durations_of(const observe::PoolLive& pool) {
  std::array<std::uint64_t, kBounds.size() + 1> within{};
  Buckets out;
  for (const auto& worker : pool.per_worker) {
    worker.duration.each([&](std::size_t bucket, std::uint64_t n) {
      if (n > 0) within[kBoundOf[bucket]] += n;  // few are
    });
    out.sum_micros += worker.duration.sum_micros();
  }
  for (std::size_t i = 0; i < kBounds.size(); ++i) out.at_most[i] = out.count += within[i];
  out.count += within.back();
  return out;
}

}  // namespace sluice::admin
