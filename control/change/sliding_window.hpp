// What the pools did lately: the counters of the last minute, second by second, their latencies in windows of
// five seconds, of a quarter of an hour what each of these five seconds was like, and what is kept of the
// last hour and the last day (pool_memory.hpp). Control thread only.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/change/pool_history.hpp"
#include "control/change/pool_memory.hpp"
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
  struct Step {
    HistoryPoint point;
    PoolMemory::Piece piece;  // without the backends
  };
  std::optional<Step> sample(const observe::PoolLive& live, io::Clock::time_point now);
  // Of the requests that ended in them. Requires: sample() has just said what they were.
  const PoolMemory::Buckets& ended() const { return steps_.back().buckets; }

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
    PoolMemory::Buckets buckets;
    std::uint64_t sum_micros = 0;
  };
  static Counts filled(const observe::HistogramCounts& counts);
  static void subtract(const Counts& less, observe::HistogramCounts& from);
  Step step(const observe::PoolLive& live, const PoolSums& sums);

  std::deque<Sample> samples_;
  std::deque<Counts> steps_;
  Counts before_;                     // all up to the last step
  PoolSums sums_before_;              // likewise
  std::uint64_t most_in_flight_ = 0;  // since then
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
  // Of the last hour and the last day; of a pool that never had a request it is empty.
  const PoolMemory& memory_of(const observe::PoolLive& live) const;
  // Since when memory_of() knows all that came, here and in the processes whose place this one took; `now`
  // before the first sample.
  io::Clock::time_point followed(io::Clock::time_point now) const { return followed_.value_or(now); }

  // For the process that takes this one's place: the memories, by service and pool.
  boost::json::object known(const route::Snapshot& snapshot) const;
  // What a process before this one had. False when it cannot be read: then it begins anew. Requires: nothing
  // was sampled yet.
  bool remember(const boost::json::value& known);

 private:
  struct Entry {
    std::shared_ptr<const observe::PoolLive>
        live;  // kept, so that no other object gets the address that is the key
    PoolWindow recent;
    PoolHistory history;
    PoolMemory memory;
  };
  using Remembered = std::map<std::pair<std::string, std::string>, PoolMemory>;  // by service and pool
  Entry* entry_of(const route::Service& service, const route::Pool& pool);

  std::unordered_map<const observe::PoolLive*, Entry> pools_;  // that ever had a request
  const observe::PoolLive nothing_{0};
  PoolWindow idle_;  // of all others
  const PoolHistory no_history_;
  const PoolMemory no_memory_;
  io::Clock::time_point until_{};
  std::optional<io::Clock::time_point> followed_;
  Remembered before_;  // until the first sample
};

}  // namespace sluice::change
