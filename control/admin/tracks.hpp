// What the old scripts' metrics count: requests by the track of the pool that answered (active is the stable
// pool, canary any other), not by its name. A cutover puts a pool on the other track and its counters go on,
// so increments are attributed to the track that the pool was on when they were seen last. No series ever
// goes backwards, also when a pool or a service goes.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "control/change/sliding_window.hpp"
#include "proxy/observe/histogram.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::admin {

// The upper bounds of the exposed histograms in seconds, as OpenTelemetry's for http.server.request.duration.
inline constexpr std::array kBounds = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                       0.5,   0.75, 1.0,   2.5,  5.0,   7.5, 10.0};

// Cumulative counts at kBounds.
struct Buckets {
  std::array<std::uint64_t, kBounds.size()> at_most{};
  std::uint64_t count = 0;
  std::uint64_t sum_micros = 0;
};
Buckets buckets_of(const observe::HistogramCounts& counts);

using Classes = std::array<std::uint64_t, 6>;  // [1]..[5]: 1xx to 5xx

class Tracks {
 public:
  struct Service {
    Classes active{}, canary{};
  };
  // To be called whenever the stable pools may have changed, and before reading. Control thread.
  void observe(const route::Snapshot& snapshot);

  // By name, only those of the last snapshot.
  const std::map<std::string, Service>& services() const { return current_; }
  const Buckets& durations() const { return durations_; }  // of the whole process

 private:
  struct Seen {
    Classes classes{};
    Buckets durations;
    bool active = false;
    change::PoolSums sums;  // when `durations` were seen
  };
  void count(const std::string& service, const route::Pool& pool, bool active);
  void count_durations(Seen& seen, const Buckets& durations);

  std::map<std::pair<std::string, std::string>, Seen> seen_;  // by service and pool
  std::map<std::string, Service> all_, current_;
  Buckets durations_;
};

}  // namespace sluice::admin
