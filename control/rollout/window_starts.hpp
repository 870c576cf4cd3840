// Where fresh windows begin within a step. A canary that was well for an hour would hide what it does now
// behind an hour of good answers; so besides the step's whole evidence the judge follows evidence that began
// later. Each beginning is a test of its own and gets its part of the risk, and all parts together are at
// most 1: the e-detector of Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for sequential
// change detection" (2023), with a bound on false alarms over all time in place of their average run length.
// Pure.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "control/rollout/window.hpp"

namespace sluice::rollout {

class WindowStarts {
 public:
  static constexpr std::uint64_t kApart = 250;  // attempts of the canary
  static constexpr std::uint64_t kKept = 4;

  struct Start {
    std::uint64_t number = 0;  // from 1
    Reading canary, stable;
    // Of the risk that all fresh windows share.
    double part() const { return 1 / (static_cast<double>(number) * static_cast<double>(number + 1)); }
  };

  void clear() { starts_.clear(), last_ = 0; }
  // Begins another one when the canary made kApart attempts since the last, or since `began`. Old ones are
  // thinned out: number j is kept for kKept times the largest power of two in j, so there are windows of
  // every length, and their count grows with the logarithm.
  void record(const Reading& began, const Reading& canary, const Reading& stable);
  const std::vector<Start>& all() const { return starts_; }
  std::uint64_t last() const { return last_; }  // the number of the last that began

  WindowStarts() = default;
  // As they were elsewhere.
  WindowStarts(std::vector<Start> starts, std::uint64_t last) : starts_(std::move(starts)), last_(last) {}

 private:
  std::vector<Start> starts_;
  std::uint64_t last_ = 0;
};

}  // namespace sluice::rollout
