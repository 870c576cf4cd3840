// G6: a sequential test on every answer, so that a canary that is broken is stopped after a handful of them.
// Pure. The score is one integer, so a worker can keep it in an atomic; a test of Page's kind (CUSUM,
// "Continuous inspection schemes", Biometrika 1954): the log likelihood ratio of "most requests fail" against
// "no more fail than is tolerated", started anew whenever it falls to zero. So a canary that breaks after a
// good hour is found as fast as one that never worked, and at any one request the chance that a run of bad
// luck that trips it begins there is at most exp(-trip) (Wald).
#pragma once

#include <algorithm>
#include <cstdint>

#include "control/rollout/evidence.hpp"

namespace sluice::rollout {

struct FastFail {
  static constexpr int kMostFailures = 10;            // in a row, whatever is tolerated
  static constexpr double kLeastTolerated = 0.01;     // a canary may fail one request in a hundred
  static constexpr double kBroken = 0.75;             // the rate of errors that it is most sensitive to
  static constexpr double kRequests = 1e8;            // that a healthy canary may answer in a rollout
  static constexpr double kFalseAlarms = 0.001;       // the chance of stopping it in all of these
  static constexpr std::int32_t kUnitsOfANat = 1000;  // what the score counts in

  // Added for an error, taken away for another answer, and where it trips; all positive.
  std::int32_t up = 0, down = 0, trip = 0;

  // `tolerated`: the rate of errors that a healthy canary may have; see tolerated_rate(). NaN and what is
  // outside of 0 to 1 count as the nearest that is possible. Up to 6 % it keeps kFalseAlarms; above it
  // kMostFailures comes first.
  static FastFail tolerating(double tolerated);

  // The score after an answer; it begins at 0 and does not pass `trip`.
  std::int32_t next(std::int32_t score, bool error) const {
    return error ? std::min(score + up, trip) : std::max(score - down, 0);
  }
  bool tripped(std::int32_t score) const { return score >= trip; }
  // Errors in a row that trip it from 0.
  int failures() const { return (trip + up - 1) / up; }
};

// The rate of errors that a healthy canary may have: as much as stable has (drawn to 1 % while little is
// known of it), or a fifth of the gate's limit (0 when there is none), so that a canary which lives near a
// generous limit is left to the gate.
double tolerated_rate(Tally stable, double limit);

}  // namespace sluice::rollout
