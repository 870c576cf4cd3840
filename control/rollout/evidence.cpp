#include "control/rollout/evidence.hpp"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <limits>

namespace sluice::rollout {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// What no double can hold is 0 or infinity here, never an exception.
namespace policies = boost::math::policies;
using Quiet = policies::policy<
    policies::promote_double<false>, policies::domain_error<policies::ignore_error>,
    policies::pole_error<policies::ignore_error>, policies::overflow_error<policies::ignore_error>,
    policies::underflow_error<policies::ignore_error>, policies::evaluation_error<policies::ignore_error>>;

// Alternatives above a limit lie about twice the limit above it: a canary that is worse is worse by a factor.
constexpr double kExcess = 2;
// The part of the stable pool's evidence that is put on "nothing to say": it bounds what not knowing stable's
// rate costs to a factor of two.
constexpr double kSilent = 0.5;
constexpr int kGrid = 24;
constexpr int kHalvings = 20;

double events(Tally tally) { return static_cast<double>(std::min(tally.k, tally.n)) / tally.per; }
double others(Tally tally) { return static_cast<double>(tally.n) / tally.per - events(tally); }

// ln of (the tail of a Beta(a, b) beyond `x`) / (its density at `x`). A tail and a density that both
// underflow lie on the thin side, where the ratio is Mills's.
double log_tail(double tail, double a, double b, double x) {
  const double density = boost::math::ibeta_derivative(a, b, x, Quiet());
  if (density > 0) return std::log(tail) - std::log(density);
  if (tail > 0) return kInfinity;
  return std::log(x * (1 - x) / std::abs((a + b) * x - a));
}

// One of the two e-processes of a product. `sure` disproves the rate alone.
double product(double mine, double other) {
  if (other == kInfinity) return kInfinity;
  const double mixed =
      other > 30 ? other + std::log1p(-kSilent) : std::log(kSilent + (1 - kSilent) * std::exp(other));
  return mine + mixed;
}

// How far stable's rate may lie from what was seen before its own evidence settles the matter.
double reach(Tally stable) {
  const double n = static_cast<double>(stable.n) / stable.per;
  const double rate = stable.rate();
  return 6 * std::sqrt((rate * (1 - rate) + 1 / n) * 2 / n) + 20 / n;
}

// The least of `evidence(q)` over the rates that the stable pool may have. `side` is 1 when a higher rate of
// stable's would excuse the canary, -1 when a lower one would; the other way little is to be found. Looks no
// further once it is below `enough`.
template <class Evidence>
double least(Tally stable, int side, double enough, const Evidence& evidence) {
  const double seen = stable.rate();
  double found = evidence(seen);
  for (int i = -kGrid / 6; i <= kGrid && found >= enough; ++i) {
    const double q = seen + side * reach(stable) * i / kGrid;
    if (q >= 0 && q <= 1) found = std::min(found, evidence(q));
  }
  return found;
}

double increase_at_least(Tally canary, Tally stable, double increase, double enough) {
  if (canary.n == 0 || stable.n == 0 || std::isnan(increase)) return -kInfinity;
  return least(stable, 1, enough, [&](double q) {
    return product(evidence_above(canary, q + increase), evidence_below(stable, q));
  });
}

double increase_at_most(Tally canary, Tally stable, double increase, double enough) {
  if (canary.n == 0 || stable.n == 0 || std::isnan(increase)) return -kInfinity;
  return least(stable, -1, enough, [&](double q) {
    return product(evidence_below(canary, q + increase), evidence_above(stable, q));
  });
}

// Where `disproved` turns, between a value for which it holds and one for which it does not.
template <class Disproved>
double turning_point(double disproved_at, double open_at, const Disproved& disproved) {
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (disproved_at + open_at) / 2;
    (disproved(middle) ? disproved_at : open_at) = middle;
  }
  return disproved_at;
}

}  // namespace

double threshold(double alpha) { return -std::log(alpha); }

// Prior Beta(1, b) cut to (limit, 1].
double evidence_above(Tally tally, double limit) {
  if (!(limit < 1) || tally.n == 0) return -kInfinity;
  if (limit <= 0) return limit < 0 || tally.k > 0 ? kInfinity : -kInfinity;
  const double a = 1 + events(tally), b = 1 / (kExcess * limit);
  const double tail = boost::math::ibetac(a, b + others(tally), limit, Quiet());
  return log_tail(tail, a, b + others(tally), limit) + std::log(b) - std::log1p(-limit);
}

// Prior uniform on [0, limit).
double evidence_below(Tally tally, double limit) {
  if (!(limit > 0) || tally.n == 0) return -kInfinity;
  if (limit >= 1) return limit > 1 || tally.k < tally.n ? kInfinity : -kInfinity;
  const double a = 1 + events(tally), b = 1 + others(tally);
  return log_tail(boost::math::ibeta(a, b, limit, Quiet()), a, b, limit) - std::log(limit);
}

bool increased(Tally canary, Tally stable, double increase, double alpha) {
  return increase_at_least(canary, stable, increase, threshold(alpha)) >= threshold(alpha);
}

bool not_increased(Tally canary, Tally stable, double increase, double alpha) {
  return increase_at_most(canary, stable, increase, threshold(alpha)) >= threshold(alpha);
}

Bounds rate_bounds(Tally tally, double alpha_lower, double alpha_upper) {
  Bounds bounds;
  if (tally.n == 0) return bounds;
  const double rate = tally.rate();
  const auto above = [&](double limit) { return evidence_above(tally, limit) >= threshold(alpha_lower); };
  const auto below = [&](double limit) { return evidence_below(tally, limit) >= threshold(alpha_upper); };
  bounds.lower = turning_point(0, rate, above);
  bounds.upper = turning_point(1, rate, below);
  return bounds;
}

Bounds difference_bounds(Tally canary, Tally stable, double alpha_lower, double alpha_upper) {
  Bounds bounds{-1, 1};
  if (canary.n == 0 || stable.n == 0) return bounds;
  const double difference = canary.rate() - stable.rate();
  bounds.lower =
      turning_point(-1, difference, [&](double d) { return increased(canary, stable, d, alpha_lower); });
  bounds.upper =
      turning_point(1, difference, [&](double d) { return not_increased(canary, stable, d, alpha_upper); });
  return bounds;
}

}  // namespace sluice::rollout
