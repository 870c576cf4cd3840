// Where the judge's test of one limit turns, as a table: how many answers may be among k events so that they
// still prove something. It is made by the judge's own evidence (evidence.hpp), once; after that a simulated
// rollout compares two numbers. Pure.
#pragma once

#include <functional>
#include <limits>
#include <vector>

namespace sluice::rollout {

inline constexpr double kNever = std::numeric_limits<double>::infinity();  // so many answers prove nothing

class Boundary {
 public:
  // Whether `k` events in `n` answers prove it.
  using Proves = std::function<bool(double n, double k)>;

  // How finely it asks: up to `exact` events for each, beyond for each that is so many times the one before.
  struct Fineness {
    double exact, apart, precision;
  };
  static constexpr Fineness kFine{12, 1.2, 0.004};
  // The most answers among which so many events prove it: those of a rate above a limit. Up to `most`.
  static Boundary most_answers(const Proves& proves, double most, const Fineness& fineness);
  // The fewest answers: those of a rate below a limit.
  static Boundary fewest_answers(const Proves& proves, double most, const Fineness& fineness);

  // Between the events that it was asked of it is drawn straight. 0, or kNever of the fewest: no number of
  // answers up to `most` proves it.
  double answers(double k) const {
    const auto place = static_cast<std::size_t>(k);
    return place < known_.size() ? known_[place] : between(k);
  }

 private:
  struct Node {
    double k, answers;
  };
  void fill();
  double between(double k) const;

  std::vector<Node> nodes_;
  std::vector<double> known_;  // of the first events, which are asked for most
};

}  // namespace sluice::rollout
