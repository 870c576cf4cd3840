// G6: the sequential test on every answer of a pool that a rollout is watching, where the answers are: in the
// workers. A snapshot with a rollout carries one; when it trips, the workers send the pool's further requests
// elsewhere at once, and control publishes the way back a moment later.
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::observe {

class Guard {
 public:
  // A CUSUM in integers (see control/rollout/fast_fail.hpp): `up` for an error, `down` for another answer.
  Guard(std::int32_t up, std::int32_t down, std::int32_t trip) : up_(up), down_(down), trip_(trip) {}

  // One answer of the pool. All workers.
  void count(bool error) {
    std::int32_t score = score_.load(std::memory_order_relaxed);
    if (!error && score == 0) return;  // a healthy pool writes nothing
    std::int32_t next = 0;
    do {
      next = error ? score + up_ : (score > down_ ? score - down_ : 0);
    } while (!score_.compare_exchange_weak(score, next, std::memory_order_relaxed));
    if (error) errors_.fetch_add(1, std::memory_order_relaxed);
    if (next >= trip_) tripped_.store(true, std::memory_order_relaxed);
  }
  // For good: a new rollout gets a new guard.
  bool tripped() const { return tripped_.load(std::memory_order_relaxed); }
  std::uint64_t errors() const { return errors_.load(std::memory_order_relaxed); }

 private:
  const std::int32_t up_, down_, trip_;
  alignas(64) std::atomic<std::int32_t> score_{0};
  std::atomic<std::uint64_t> errors_{0};
  alignas(64) std::atomic<bool> tripped_{false};
};

}  // namespace sluice::observe
