#include "control/rollout/clusters.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::rollout {
namespace {

double real(std::uint64_t n) { return static_cast<double>(n); }

Tally sum_of(const std::vector<Tally>& cells) {
  Tally all;
  for (const Tally& cell : cells) all.n += cell.n, all.k += cell.k;
  return all;
}

// Of the whole's events, as the cells say, over what independent requests would have. A cell is held against
// the rate of all others: one with most of the requests would else be like the whole because it is the whole.
double design_effect(const std::vector<Tally>& cells, Tally all, int used) {
  const double rate = all.rate();
  const double independent = real(all.n) * rate * (1 - rate);
  if (independent <= 0) return 1;
  double squares = 0;
  for (const Tally& cell : cells) {
    const double others = 1 - real(cell.n) / real(all.n);
    if (cell.n == 0 || others <= 0) continue;
    const double beyond = (real(cell.k) - rate * real(cell.n)) / others;
    squares += beyond * beyond;
  }
  return squares * (used - 1) / used / independent;
}

// The square of Student's quantile over that of the normal one (Wallace, "Bounds on normal approximations to
// Student's and the chi-square distributions", Ann. Math. Statist. 1959).
double students_excess(double alpha, double freedom) {
  const double square = 2 * threshold(std::min(alpha, 0.5));  // of the normal quantile, a little above it
  return freedom * std::expm1(square / freedom) / square;
}

}  // namespace

int cells_with_requests(const std::vector<Tally>& cells) {
  return static_cast<int>(std::ranges::count_if(cells, [](const Tally& cell) { return cell.n > 0; }));
}

double requests_worth_one(const std::vector<Tally>& cells, double alpha) {
  const int used = cells_with_requests(cells);
  if (used == 0) return 1;
  const Tally all = sum_of(cells);
  const double most = real(all.n);  // all of them are one
  if (used == 1) return most;
  const double excess = students_excess(alpha, used - 1);
  return std::clamp(design_effect(cells, all, used) * excess, 1.0, most);
}

}  // namespace sluice::rollout
