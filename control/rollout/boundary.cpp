#include "control/rollout/boundary.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::rollout {
namespace {

double after(double k, const Boundary::Fineness& fineness) {
  return k < fineness.exact ? k + 1 : std::ceil(k * fineness.apart);
}

// Between a number for which it holds and one for which it does not.
double turning_between(double holds_at, double fails_at, double precision, const auto& holds) {
  while (std::abs(fails_at - holds_at) > std::max(0.5, precision * std::min(holds_at, fails_at))) {
    const double middle = std::sqrt(holds_at * fails_at);
    (holds(middle) ? holds_at : fails_at) = middle;
  }
  return holds_at;
}

}  // namespace

Boundary Boundary::most_answers(const Proves& proves, double most, const Fineness& fineness) {
  Boundary made;
  double found = 0;
  for (double k = 1; found < most; k = after(k, fineness)) {
    const auto holds = [&](double n) { return proves(n, k); };
    // More events allow at least as many more answers as there are events.
    const double least = std::max(k, found);
    double answers = 0;
    if (holds(least)) {
      double high = least * 1.3;
      answers = least;
      while (high < most && holds(high)) answers = high, high *= 1.3;
      answers = turning_between(answers, high, fineness.precision, holds);
    }
    made.nodes_.push_back({k, answers});
    found = std::max(found, answers);
    if (k > most) break;
  }
  made.fill();
  return made;
}

Boundary Boundary::fewest_answers(const Proves& proves, double most, const Fineness& fineness) {
  Boundary made;
  double found = 1;
  for (double k = 0; found < most; k = after(k, fineness)) {
    const auto holds = [&](double n) { return proves(n, k); };
    double low = std::max(k, found), high = low * 1.3;
    while (high < most && !holds(high)) low = high, high *= 1.3;
    found = high < most ? turning_between(high, low, fineness.precision, holds) : kNever;
    made.nodes_.push_back({k, found});
  }
  made.fill();
  return made;
}

void Boundary::fill() {
  constexpr std::size_t kKnown = 2'000;
  for (std::size_t k = 0; k < kKnown; ++k) known_.push_back(between(static_cast<double>(k)));
}

double Boundary::between(double k) const {
  if (nodes_.empty() || k < nodes_.front().k) return 0;
  const auto next = std::ranges::lower_bound(nodes_, k, {}, &Node::k);
  if (next == nodes_.end()) return nodes_.back().answers;
  if (next->k == k || next == nodes_.begin() || std::isinf(next->answers)) return next->answers;
  const Node& before = *(next - 1);
  return before.answers + (next->answers - before.answers) * (k - before.k) / (next->k - before.k);
}

}  // namespace sluice::rollout
