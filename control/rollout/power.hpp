// What a plan would notice, before it begins: how long each counted limit takes to find a canary that is
// worse, and to pass one that is not. By the judge's own test at the looks it would make, for answers drawn
// at random; docs/before-a-shift.md says what that leaves out. Pure; tens of milliseconds for a plan.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/config/spec.hpp"
#include "proxy/observe/histogram.hpp"

namespace sluice::rollout {

// What came lately, all pools together, and how they answered: a canary that is no worse answers alike.
struct Traffic {
  double rate = 0;  // requests a second
  double error_rate = 0;
  observe::HistogramCounts latency;  // empty: not known
};

// Seconds in the step; nothing: later than is worth waiting for (kLongest).
struct Times {
  std::optional<double> median, most;  // most: in 95 of 100 rollouts
};

struct Worse {
  double value = 0;  // the canary's: a rate, or seconds of the quantile
  Times found;
};

struct LimitPower {
  std::string gate;  // gate_name()
  bool against_stable = false;
  std::string unit;     // "rate" or "seconds"
  double baseline = 0;  // of a canary like stable
  double limit = 0;     // of the canary's value; of a limit against stable for a stable like the baseline
  std::vector<Worse> worse;     // canaries beyond the limit, the slightest first; none: not known, see `why`
  std::optional<double> least;  // the slightest that is found within the hold in 95 of 100
  Times passed;                 // a canary like stable is shown to keep it
  std::string why;              // why nothing is said; else empty
};

struct StepPower {
  Share share = 0, mirror = 0;
  std::chrono::milliseconds hold{0};
  double canary_rate = 0, stable_rate = 0;  // requests a second
  std::optional<double> enough;             // seconds until min_requests are seen in both
  std::optional<double> broken;             // until a canary that fails everything is stopped (G6)
  std::vector<LimitPower> limits;           // in the judge's order
};

// Of what takes longer than so many holds of its step, and than an hour, nothing is said.
constexpr double kLongest = 6;
// How much worse a canary is than the limit allows.
constexpr double kWorse[] = {1.2, 1.5, 2, 3};

// By step. Requires: traffic.rate > 0. `seed` decides what is drawn; the same gives the same.
std::vector<StepPower> power_of(const config::PlanSpec& plan, const Traffic& traffic, std::uint64_t seed);

}  // namespace sluice::rollout
