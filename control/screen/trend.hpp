// What was measured at the last polls of the status, kept by whoever polls: for sparklines. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/protocol/status.hpp"

namespace sluice::screen {

// A pool between two polls. Nothing where there was no request, or no poll before.
struct Sample {
  std::optional<double> rate;    // requests a second
  std::optional<double> errors;  // of the requests, 0 to 1
  std::optional<double> p95_ms;  // as the status says it, of the last minute
};

class Trends {
 public:
  using Clock = std::chrono::steady_clock;
  // Polls that are kept of each pool: as many as a wide terminal has columns for, of thousands of pools
  // fewer.
  static constexpr std::size_t kMost = 240, kLeast = 20, kOfAll = 100'000;

  void add(const protocol::Status& status, Clock::time_point now);
  // Nothing was learned at this poll: a gap in every line.
  void add_gap();

  // The oldest first; empty for a pool that was not seen.
  std::vector<std::optional<double>> of(const std::string& service, const std::string& pool,
                                        std::optional<double> Sample::*figure) const;

 private:
  struct Pool {
    std::deque<Sample> samples;
    std::uint64_t requests = 0, errors = 0;  // at the last poll
    Clock::time_point polled;
    bool fresh = true;  // nothing to subtract from
  };
  void add(Pool& pool, const protocol::PoolStatus& now, Clock::time_point time);
  void keep(Pool& pool, const Sample& sample);

  std::map<std::pair<std::string, std::string>, Pool> pools_;
  std::size_t kept_ = kMost;  // of each pool
};

}  // namespace sluice::screen
