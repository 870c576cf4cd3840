#include "control/rollout/window.hpp"

#include <algorithm>

namespace sluice::rollout {

// Errors first: a worker counts an error before its class, so what is read is never more errors than attempts
// by more than those that came in between.
Reading read(const observe::PoolLive& pool) {
  Reading reading;
  for (const auto& worker : pool.per_worker) {
    reading.errors += worker.errors.get();
    for (const auto& count : worker.by_class) reading.attempts += count.get();
    reading.requests += worker.requests.get();
    reading.aborted += worker.aborted.get();
    reading.in_flight += worker.in_flight.get();
    worker.duration.add_to(reading.latency);
  }
  return reading;
}

bool went_back(const Reading& earlier, const Reading& later) {
  return later.attempts < earlier.attempts || later.errors < earlier.errors ||
         later.requests < earlier.requests || later.latency.count < earlier.latency.count;
}

Window between(const Reading& earlier, const Reading& later) {
  Window window;
  if (went_back(earlier, later)) return window;
  window.errors = {later.attempts - earlier.attempts, later.errors - earlier.errors};
  window.errors.k = std::min(window.errors.k, window.errors.n);
  window.requests = later.requests - earlier.requests;
  window.aborted = later.aborted - std::min(later.aborted, earlier.aborted);
  window.latency = later.latency;
  window.latency -= earlier.latency;
  return window;
}

Tally slower(const Window& window, std::uint64_t micros) {
  const std::uint64_t n = window.latency.count;
  return {n, n - std::min(n, window.latency.at_most(micros))};
}

}  // namespace sluice::rollout
