// Simulated steps of one limit, as a power analysis needs them: after how many of the canary's answers the
// judge's test says fail, or pass. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "control/rollout/boundary.hpp"

namespace sluice::rollout {

using Random = std::mt19937_64;

// Of one simulated step: the canary's answers when it is decided, kNever beyond `most`, and how early or
// late they come: standard deviations of their time.
struct Walk {
  double answers = 0;
  double late = 0;
};
using Walks = std::vector<Walk>;

constexpr std::size_t kWalks = 1'000;

// The stable pool beside the canary.
struct Beside {
  double times = 0;  // stable's answers for one of the canary's
  double rate = 0;   // of its events
};

// Boundaries for a stable pool that has fewer events than expected, as many, and more: by kDeviation standard
// deviations. Against a number the three are one.
struct Boundaries {
  static constexpr double kDeviation = 1.5;
  Boundary fewer, expected, more;
  Beside beside;  // times 0: against a number

  // Of a fresh window (window_starts.hpp), which gets a part of the risk: by how much more evidence, as a
  // logarithm, it must have. At least two, the least first, or none: they are left out.
  struct Fresh {
    double more;
    Boundary proof;
  };
  std::vector<Fresh> fresh;
};

// How one step is judged: answers of the canary from one look to the next, and in all of it.
struct Looking {
  double apart = 1, most = 0;
};

// The canary has an event in an answer with chance `rate`. Proof when there are at most so many answers.
Walks walks_to_fail(const Boundaries& proof, double rate, const Looking& looking, Random& random);
// Proof when there are at least so many.
Walks walks_to_pass(const Boundaries& proof, double rate, const Looking& looking, Random& random);

// Likewise, but what an event is changes with how much is known of the stable pool. It is looked at after
// kFirstLook answers, then each time kFurtherLook times as many; rate(look, deviation) is the chance of an
// event at look 0, 1 ... when stable has so many standard deviations of events more than expected.
inline constexpr double kFirstLook = 10, kFurtherLook = 1.05;
Walks walks_to_fail(const Boundary& proof, const std::function<double(std::size_t, double)>& rate,
                    double most, Random& random);

}  // namespace sluice::rollout
