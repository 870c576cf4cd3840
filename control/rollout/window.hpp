// What a rollout's judge sees of a pool: two readings of its running counters and what came between them.
// Pure; a reading may be taken by any thread, the rest are plain values.
#pragma once

#include <cstdint>
#include <vector>

#include "control/rollout/evidence.hpp"
#include "proxy/observe/histogram.hpp"
#include "proxy/observe/live.hpp"
#include "proxy/observe/trial_counters.hpp"

namespace sluice::rollout {

// A pool's counters, added up over the workers, since the process began.
//
// G4 counts first attempts without client aborts. The workers count an attempt by the class of its outcome
// (PoolCounters::by_class), once a request, when the outcome is known: a request that is still under way, or
// whose client left before there was an outcome, is in none of the classes. So their sum is the attempts, and
// no difference of `requests`, `in_flight` and `aborted` is needed, which would count a hanging canary's
// requests as good until they time out. A client that leaves during the body leaves a known outcome behind.
// No eligible backend is an error with class 5 (S9). Mirrored and probe traffic is not in these counters.
struct Reading {
  std::uint64_t attempts = 0;
  std::uint64_t errors = 0;
  std::uint64_t in_flight = 0;       // a gauge
  observe::HistogramCounts latency;  // of finished requests, aborted and rescued ones included
  // The same by cells of users, as observe::CellLayout lays them out; empty when nothing tells users apart.
  std::vector<std::uint32_t> cells = {};
  int cells_seen = 0;      // of whom a request came so far, to whatever pool
  bool is_cohort = false;  // of the stable pool: it is not all of it, but a control cohort
};
Reading read(const observe::PoolLive& pool);
// Of one cohort of a trial, a set of counters for each worker. in_flight is not known.
Reading read(const observe::PerWorker<observe::CohortCounters>& cohort);
// And its cells.
std::vector<std::uint32_t> read_cells(const observe::PerWorker<observe::CohortCounters>& cohort);

// What came between them; in flight is `later`'s. Requires: not went_back(). And the way back.
Reading operator-(Reading later, const Reading& earlier);
Reading operator+(Reading reading, const Reading& more);

// `later` does not continue `earlier`: a counter went backwards.
bool went_back(const Reading& earlier, const Reading& later);

// A view: both readings must outlive it. Empty when the counters went backwards: then these are not the same
// counters, and what they said before is no evidence (G7).
class Window {
 public:
  Window(const Reading& earlier, const Reading& later)
      : earlier_(went_back(earlier, later) ? later : earlier), later_(later) {}

  Tally errors() const;  // of attempts
  std::uint64_t answers() const { return later_.latency.count - earlier_.latency.count; }
  // How many answers took longer than `micros`. A time is known to within its bucket (1/64): one that shares
  // its bucket with `micros` is not longer.
  Tally slower(std::uint64_t micros) const;
  observe::HistogramCounts latency() const;
  bool is_cohort() const { return later_.is_cohort; }

  // The same by cells of users: empty when nothing tells users apart. slower_cells: of an edge between two
  // times of the cells near `micros`, the next below it or the next above.
  std::vector<Tally> error_cells() const;
  int cells_seen() const { return later_.cells.empty() ? 0 : later_.cells_seen; }
  enum class Edge : std::uint8_t { below, above };
  std::vector<Tally> slower_cells(std::uint64_t micros, Edge edge) const;

 private:
  std::uint32_t in_cell(std::size_t cell, std::size_t number) const;

  const Reading& earlier_;
  const Reading& later_;
};

}  // namespace sluice::rollout
