// A quarter of an hour of a pool, five seconds a point: what the page plots. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "proxy/base/values.hpp"
#include "proxy/observe/histogram.hpp"

namespace sluice::change {

// Of five seconds. Latencies are milliseconds, negative when nothing was answered.
struct HistoryPoint {
  Share share = 0;  // set, at the end
  std::uint32_t requests = 0, errors = 0;
  std::uint32_t in_flight = 0;  // at the end
  float p50_ms = -1, p95_ms = -1, p99_ms = -1;

  // Requires: at least one was recorded.
  void set_latencies(const observe::HistogramCounts& recorded);
};

// The last kKept points; 5 kB when it is full, nothing before the first.
class PoolHistory {
 public:
  static constexpr std::chrono::seconds kInterval{
      5};  // PoolWindow::kHistogramStep: latencies are known so finely
  static constexpr std::size_t kKept = 180;

  void add(const HistoryPoint& point);
  std::size_t size() const { return points_.size(); }
  // The oldest is 0. Requires: i < size().
  const HistoryPoint& operator[](std::size_t i) const { return points_[(oldest_ + i) % points_.size()]; }

 private:
  std::vector<HistoryPoint> points_;  // a ring once it is full
  std::size_t oldest_ = 0;
};

}  // namespace sluice::change
