// What the pools did lately: the counters of the last minute, second by second, their latencies in windows of
// five seconds, and of a quarter of an hour what each of these five seconds was like. Control thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/change/pool_history.hpp"
#include "control/io/notifier.hpp"
#include "proxy/observe/live.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::change {

// As long as they are the same no request came, and none ended: nothing was recorded.
struct PoolSums {
  std::uint64_t requests = 0, errors = 0, in_flight = 0;
  bool operator==(const PoolSums&) const = default;
};
PoolSums sums_of(const observe::PoolLive& live);

class PoolWindow {
 public:
  static constexpr std::chrono::seconds kWindow{60};
  static constexpr std::chrono::seconds kHistogramStep{5};

  // To be called once a second. What the five seconds were that have just ended, if some have.
  std::optional<HistoryPoint> sample(const observe::PoolLive& live, io::Clock::time_point now);

  // What was counted in the last `window` (at most kWindow), or since the first sample when that is later.
  struct Delta {
    std::uint64_t requests = 0, errors = 0;
    double seconds = 0;
  };
  Delta last(std::chrono::seconds window, const observe::PoolLive& live, io::Clock::time_point now) const;
  // Of the last kWindow, to within kHistogramStep.
  observe::HistogramCounts latencies(const observe::PoolLive& live) const;

 private:
  struct Sample {
    io::Clock::time_point at;
    std::uint64_t requests = 0, errors = 0;
  };
  // The buckets of a histogram that are not empty, in order: few are.
  struct Counts {
    std::vector<std::pair<std::uint32_t, std::uint64_t>> buckets;
    std::uint64_t sum_micros = 0;
  };
  static Counts filled(const observe::HistogramCounts& counts);
  static void subtract(const Counts& less, observe::HistogramCounts& from);
  HistoryPoint step(const observe::PoolLive& live, const PoolSums& sums);

  std::deque<Sample> samples_;
  std::deque<Counts> steps_;
  Counts before_;         // all up to the last step
  PoolSums sums_before_;  // likewise
  io::Clock::time_point next_step_{};
};

class SlidingWindow {
 public:
  // Every pool of the snapshot; forgets those that are gone.
  void sample(const route::Snapshot& snapshot, io::Clock::time_point now);
  const PoolWindow& of(const observe::PoolLive& live) const;
  // Its last point is of until(); a pool that never had a request has none.
  const PoolHistory& history_of(const observe::PoolLive& live) const;
  io::Clock::time_point until() const { return until_; }

 private:
  struct Entry {
    std::shared_ptr<const observe::PoolLive>
        live;  // kept, so that no other object gets the address that is the key
    PoolWindow recent;
    PoolHistory history;
  };
  std::unordered_map<const observe::PoolLive*, Entry> pools_;  // that ever had a request
  const observe::PoolLive nothing_{0};
  PoolWindow idle_;  // of all others
  const PoolHistory no_history_;
  io::Clock::time_point until_{};
};

}  // namespace sluice::change
