// What counts prove about rates, however often one looks. Pure; any thread.
//
// Every figure here is an e-process: under the hypothesis it speaks against, the chance that it ever reaches
// 1/alpha is at most alpha (Ville's inequality), at any number of looks, stopped at will. So a gate may be
// judged after every answer, and what a judge pays for is only the number of gates and steps.
//
//  - One rate: the likelihood ratio against the limit, averaged over a Beta prior cut off at the limit
//  (Robbins
//    1970; the beta-binomial mixture of Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric,
//    nonasymptotic confidence sequences", Ann. Statist. 2021, section 3). A lower rate only makes it smaller.
//  - Two rates: for each rate q that the stable pool may have, the product of the canary's evidence against
//    q + difference and the stable pool's evidence against q; the least of them counts. An e-process for any
//    q that is true, so for the composite hypothesis (Ramdas, Ruf, Larsson and Koolen 2022; Turner and
//    Gruenwald, "Exact anytime-valid confidence intervals for contingency tables", 2023, for the case of
//    two proportions).
#pragma once

#include <cstdint>

namespace sluice::rollout {

// Events in trials: errors in attempts, answers slower than x in answers. More events than trials are read as
// trials.
struct Tally {
  std::uint64_t n = 0;
  std::uint64_t k = 0;
  // How many of them are worth one that is independent of the others (clusters.hpp); at least 1.
  double per = 1;

  double rate() const { return n == 0 ? 0.0 : static_cast<double>(k) / static_cast<double>(n); }
  bool operator==(const Tally&) const = default;
};

// The natural logarithm of the evidence against "the rate is at most `limit`", and against "at least
// `limit`". Minus infinity: none; infinity: it is disproved. NaN as a limit: none.
double evidence_above(Tally tally, double limit);
double evidence_below(Tally tally, double limit);

// Whether the evidence against "canary's rate is at most stable's + `increase`" reaches the threshold of
// `alpha`, and against "at least". One rate of stable's that explains all is enough to say no.
bool increased(Tally canary, Tally stable, double increase, double alpha);
bool not_increased(Tally canary, Tally stable, double increase, double alpha);

// What log evidence must reach for an error of the first kind of at most `alpha`.
double threshold(double alpha);

// A confidence sequence, each side at `alpha`: the rate is in it at all times at once with 1 - 2 alpha.
// lower: the largest limit that is disproved from above, 0 when none is; upper: 1 when none is.
struct Bounds {
  double lower = 0, upper = 1;
};
Bounds rate_bounds(Tally tally, double alpha_lower, double alpha_upper);
// Of the canary's rate less stable's; from -1 to 1.
Bounds difference_bounds(Tally canary, Tally stable, double alpha_lower, double alpha_upper);

}  // namespace sluice::rollout
