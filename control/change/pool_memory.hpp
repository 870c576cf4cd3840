// What a pool's traffic was like: of the last hour each minute and the latencies, of the last day each hour's
// peaks. Within 4 kB. What a plan is measured by before it begins. Pure; times are of the steady clock, which
// a process that takes this one's place (sluicectl upgrade) reads as well.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "proxy/observe/histogram.hpp"

namespace sluice::change {

class PoolMemory {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::hours kHour{1}, kDay{24};

  // Of some seconds, in order: buckets of observe::HistogramLayout that are not empty.
  using Buckets = std::vector<std::pair<std::uint32_t, std::uint64_t>>;
  struct Piece {
    std::uint64_t requests = 0, errors = 0;
    std::uint64_t in_flight = 0;   // the most that was seen
    std::uint64_t sum_micros = 0;  // of the requests that ended
    std::size_t eligible = 0;      // backends that took them
  };
  // Requires: not before what was added last.
  void add(Time end, const Piece& piece, const Buckets& ended);

  struct Hour {
    double seconds = 0;  // that it is of: an hour, or less since `followed`
    std::uint64_t requests = 0, errors = 0;
    std::uint64_t in_flight = 0;       // the most that was seen
    observe::HistogramCounts latency;  // of its last 40 to 60 minutes, in buckets of 6 %

    double rate() const { return seconds > 0 ? static_cast<double>(requests) / seconds : 0; }
    double error_rate() const;    // 0 without requests
    double mean_seconds() const;  // of a request; 0 when none ended
  };
  // `followed`: since when all that came was added.
  Hour last_hour(Time now, Time followed) const;

  // The highest of the last 24 hours, each for itself. Rates are requests a second over one minute.
  struct Peaks {
    double rate = 0, rate_per_backend = 0;
    double in_flight = 0, in_flight_per_backend = 0;
  };
  Peaks last_day(Time now) const;

  // For the next process; nothing when it cannot be read.
  boost::json::object known() const;
  static std::optional<PoolMemory> from(const boost::json::value& known);

 private:
  // Numbers are those of the clock's minutes, hours and slices; what is a part is in thousandths.
  struct Minute {
    std::uint32_t number = 0, requests = 0, errors = 0, in_flight = 0, requests_per_backend = 0;
  };
  struct Peak {
    std::uint32_t number = 0, requests = 0, requests_per_backend = 0, in_flight = 0,
                  in_flight_per_backend = 0;
  };
  struct Slice {  // of 20 minutes
    std::uint32_t number = 0;
    std::uint64_t sum_micros = 0;
    std::vector<std::pair<std::uint16_t, std::uint32_t>> counts;  // by coarse bucket, in their order
  };

  // In order, the latest last; what is older than its time is forgotten when something is added.
  std::vector<Minute> minutes_;
  std::vector<Peak> hours_;
  std::vector<Slice> slices_;
};

}  // namespace sluice::change
