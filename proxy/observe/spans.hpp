// Spans on their way from the workers to whoever exports them: a ring a worker, made when tracing is first
// on. A ring that is full drops the span and counts it; no worker waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "proxy/base/values.hpp"
#include "proxy/observe/record_ring.hpp"
#include "proxy/observe/span_record.hpp"

namespace sluice::observe {

using SpanRing = RecordRing<SpanRecord, SpanNumbers>;

// What a worker knows of tracing. Worker only.
struct Tracing {
  SpanRing* ring = nullptr;  // null: off
  Share ratio = 0;           // of the traces that begin here
  bool errors = false;       // a request that failed is told of in any case
};

// Of a trace that begins here: by its id, so that others who go by the same rule decide alike. `low`: the low
// half of the id.
constexpr bool is_sampled(std::uint64_t low, Share ratio) {
  const std::uint64_t chance = low >> 24 & 0xffffffff;  // the rightmost 56 bits are random (Trace Context 2)
  return chance * kWhole < std::uint64_t{ratio} << 32;
}

// The rings of all workers.
class Spans {
 public:
  explicit Spans(std::size_t workers) : rings_(workers) {}

  // Control thread, before any other knows of them.
  void make_rings() {
    constexpr std::size_t kRing = 1u << 20;  // bytes: some 2,500 spans
    for (auto& ring : rings_)
      if (!ring) ring = std::make_unique<SpanRing>(kRing);
  }
  SpanRing* ring(std::size_t worker) { return rings_[worker].get(); }

  // At most so many, of all workers in turn. One thread. Requires: make_rings().
  template <class Take>
  std::size_t drain(Take take, std::size_t most) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < rings_.size() && count < most; ++i)
      count += rings_[next_++ % rings_.size()]->drain(take, most - count);
    return count;
  }
  std::uint64_t dropped() const {
    std::uint64_t sum = 0;
    for (const auto& ring : rings_)
      if (ring) sum += ring->dropped();
    return sum;
  }

 private:
  std::vector<std::unique_ptr<SpanRing>> rings_;  // null until they are made
  std::size_t next_ = 0;                          // whose turn it is
};

}  // namespace sluice::observe
