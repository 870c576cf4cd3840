// What a rollout's judge sees of a pool: the difference of two readings of its running counters. Pure; a
// reading may be taken by any thread, the rest is a plain value.
#pragma once

#include <cstdint>

#include "control/rollout/evidence.hpp"
#include "proxy/observe/histogram.hpp"
#include "proxy/observe/live.hpp"

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
  std::uint64_t requests = 0;  // chosen for the pool, finished or not: what min_requests means
  std::uint64_t aborted = 0;
  std::uint64_t in_flight = 0;  // a gauge
  observe::HistogramCounts latency;
};
Reading read(const observe::PoolLive& pool);

struct Window {
  Tally errors;
  std::uint64_t requests = 0, aborted = 0;
  observe::HistogramCounts latency;
};

// What came between two readings; nothing when a counter went backwards: then these are not the same
// counters, and what they said before is no evidence (G7).
Window between(const Reading& earlier, const Reading& later);
bool went_back(const Reading& earlier, const Reading& later);

// Of `window`, how many answers took longer than `micros`. A value is known to within its bucket (1/64): one
// that shares its bucket with `micros` is not longer.
Tally slower(const Window& window, std::uint64_t micros);

}  // namespace sluice::rollout
