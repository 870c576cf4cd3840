#include "control/rollout/window.hpp"

#include <algorithm>

namespace sluice::rollout {

// A worker counts an error before its class, and the errors are read first: what is read of a worker that is
// busy are not more errors than attempts.
Reading read(const observe::PoolLive& pool) {
  Reading reading;
  for (const auto& worker : pool.per_worker) {
    reading.errors += worker.errors.get();
    for (const auto& count : worker.by_class) reading.attempts += count.get();
    reading.in_flight += worker.in_flight.get();
    worker.duration.add_to(reading.latency);
  }
  return reading;
}

Reading operator-(Reading later, const Reading& earlier) {
  later.attempts -= earlier.attempts;
  later.errors -= earlier.errors;
  later.latency -= earlier.latency;
  return later;
}

Reading operator+(Reading reading, const Reading& more) {
  reading.attempts += more.attempts;
  reading.errors += more.errors;
  reading.latency += more.latency;
  return reading;
}

bool went_back(const Reading& earlier, const Reading& later) {
  return later.attempts < earlier.attempts || later.errors < earlier.errors ||
         later.latency.count < earlier.latency.count;
}

Tally Window::errors() const {
  const std::uint64_t attempts = later_.attempts - earlier_.attempts;
  return {attempts, std::min(attempts, later_.errors - earlier_.errors)};
}

Tally Window::slower(std::uint64_t micros) const {
  const std::uint64_t within = later_.latency.at_most(micros) - earlier_.latency.at_most(micros);
  return {answers(), answers() - std::min(answers(), within)};
}

observe::HistogramCounts Window::latency() const {
  observe::HistogramCounts counts = later_.latency;
  counts -= earlier_.latency;
  return counts;
}

}  // namespace sluice::rollout
