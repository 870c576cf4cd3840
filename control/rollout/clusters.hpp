// How much a count is worth when requests are not independent: those of one user are alike, and some users
// make many. Users are dealt into cells by the hash of their key, and the counts of the cells, which are
// independent, vary as much as the whole is uncertain (random groups: Wolter, "Introduction to Variance
// Estimation", 2007, chapter 2; the ratio estimator, section 6). What they vary more than independent
// requests would is the design effect (Kish 1965); counts divided by it go into the tests for independent
// ones (Rao and Scott, "A simple method for the analysis of clustered binary data", Biometrics 1992). Pure.
#pragma once

#include <vector>

#include "control/rollout/evidence.hpp"

namespace sluice::rollout {

// A service that has users in fewer cells is one of few users: there is nothing to tell them apart by, and
// requests count as independent.
inline constexpr int kFewestCells = 8;

// Requests that are worth one, at least 1, of what these cells counted. The whole and the spread are of the
// same few users: what this leaves open is paid for by what Student's distribution, with as many degrees of
// freedom as there are cells that count, needs beyond the normal one at the error `alpha`.
double requests_worth_one(const std::vector<Tally>& cells, double alpha);

// Cells that have requests.
int cells_with_requests(const std::vector<Tally>& cells);

}  // namespace sluice::rollout
