#include "control/change/pool_history.hpp"

namespace sluice::change {

void HistoryPoint::set_latencies(const observe::HistogramCounts& recorded) {
  const auto quantile = [&recorded](double q) { return static_cast<float>(recorded.quantile(q)) / 1000.0f; };
  p50_ms = quantile(0.50);
  p95_ms = quantile(0.95);
  p99_ms = quantile(0.99);
}

void PoolHistory::add(const HistoryPoint& point) {
  if (points_.size() < kKept) {
    points_.push_back(point);
    return;
  }
  points_[oldest_] = point;
  oldest_ = (oldest_ + 1) % kKept;
}

}  // namespace sluice::change
