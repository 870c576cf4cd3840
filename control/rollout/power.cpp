#include "control/rollout/power.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "control/rollout/evidence.hpp"
#include "control/rollout/fast_fail.hpp"
#include "control/rollout/format.hpp"
#include "control/rollout/judge.hpp"
#include "control/rollout/looks.hpp"
#include "control/rollout/power_walks.hpp"

namespace sluice::rollout {
namespace {

constexpr double kHour = 3600;
constexpr double kMostAnswers = 3e8;  // a step's; its counts are drawn in pieces

Tally tally(double n, double k) {
  return {static_cast<std::uint64_t>(std::llround(n)), static_cast<std::uint64_t>(std::llround(k))};
}

// How long answers take: a part of them is slower than a time. Between the edges of what was counted it is
// drawn straight.
class Slowness {
 public:
  explicit Slowness(const observe::HistogramCounts& latency) {
    using Layout = observe::HistogramLayout;
    double within = 0;
    for (std::size_t i = 0; i < latency.buckets.size(); ++i) {
      if (latency.buckets[i] == 0) continue;
      // What is kept of an hour has buckets of 6 %, each under the number of its last.
      const double upper = (static_cast<double>(Layout::upper(i)) + 1) * 1e-6;
      const double lower = std::max(points_.empty() ? 0 : points_.back().time, upper / 1.0625);
      points_.push_back({lower, 1 - within / static_cast<double>(latency.count)});
      within += static_cast<double>(latency.buckets[i]);
      points_.push_back({upper, 1 - within / static_cast<double>(latency.count)});
    }
  }
  double slower_than(double time) const {
    const auto next = std::ranges::lower_bound(points_, time, {}, &Point::time);
    if (next == points_.end()) return 0;
    if (next == points_.begin()) return 1;
    const Point& before = *(next - 1);
    return before.slower + (next->slower - before.slower) * (time - before.time) / (next->time - before.time);
  }
  // The time that this part of them exceeds.
  double exceeded_by(double slower) const {
    const auto next = std::ranges::lower_bound(points_, slower, std::ranges::greater(), &Point::slower);
    if (next == points_.end()) return points_.back().time;
    if (next == points_.begin()) return next->time;
    const Point& before = *(next - 1);
    return before.time +
           (next->time - before.time) * (before.slower - slower) / (before.slower - next->slower);
  }

 private:
  struct Point {
    double time, slower;
  };
  std::vector<Point> points_;
};

// What a step is to one limit.
struct Case {
  double canary_rate, stable_rate;
  double most;  // seconds
  double look;  // seconds between two
  double hold;
  Looking looking() const { return {look * canary_rate, std::min(kMostAnswers, most * canary_rate)}; }
};

// When the answers have come, and the judge has looked.
double time_of(const Walk& walk, const Case& in) {
  if (std::isinf(walk.answers)) return kNever;
  const double n = std::max(1.0, walk.answers);
  const double comes = std::max(0.0, n / in.canary_rate * (1 + walk.late / std::sqrt(n)));
  // Where many answers come between two looks it was counted at one.
  const double waits = std::max(0.0, 0.5 - in.looking().apart / 2);
  return std::max(1.0, std::round(comes / in.look + waits)) * in.look;
}

Times times_of(const Walks& walks, const Case& in) {
  std::vector<double> times;
  for (const Walk& walk : walks) times.push_back(time_of(walk, in));
  std::ranges::sort(times);
  const auto quantile = [&](double q) -> std::optional<double> {
    const double time = times[static_cast<std::size_t>(q * static_cast<double>(times.size()))];
    return time <= in.most ? std::optional(time) : std::nullopt;
  };
  return {quantile(0.5), quantile(0.95)};
}

// The slightest canary that is found in time: between those that were tried it is drawn straight, in
// logarithms of the time and of the excess over the limit.
std::optional<double> least_found(const LimitPower& power, double hold) {
  const Worse* later = nullptr;
  for (const Worse& one : power.worse) {
    if (one.found.most && *one.found.most <= hold) {
      if (!later || !later->found.most) return one.value;
      const double all = std::log(*later->found.most / *one.found.most);
      const double part = all > 0 ? std::log(hold / *one.found.most) / all : 0;
      const double excess = (one.value - power.limit) *
                            std::pow((later->value - power.limit) / (one.value - power.limit), part);
      return power.limit + excess;
    }
    later = &one;
  }
  return std::nullopt;
}

// Against a pool each question takes the judge 50 us and more.
constexpr Boundary::Fineness kCoarse{8, 1.4, 0.006};
constexpr Boundary::Fineness kRough{4, 1.8, 0.01};  // of what lies beside
// The parts of the risk that fresh windows get, as they are asked for: of the first, the third, the eighth
// ...
const double kParts[] = {std::log(2), std::log(12), std::log(72), std::log(1'000), std::log(20'000)};
const double kFewParts[] = {std::log(2), std::log(30), std::log(2'000)};

// Says of each limit of a plan what it finds.
class Powers {
 public:
  Powers(const config::PlanSpec& plan, const Traffic& traffic, double most_answers, std::uint64_t seed)
      : traffic_(traffic), slowness_(traffic.latency), most_(most_answers), random_(seed) {
    const Judge::Tests tests = Judge::tests_of(plan.gates, plan.steps.size());
    risk_ = tests.risk;
    limits_ = tests.limits;
    against_numbers_.resize(limits_.size());
  }

  std::vector<LimitPower> at(const Case& step) {
    std::vector<LimitPower> all;
    for (std::size_t i = 0; i < limits_.size(); ++i)
      if (limits_[i].kind == LimitKind::max || step.stable_rate > 0) all.push_back(of(i, step));
    return all;
  }

 private:
  // What becomes of canaries in a step.
  struct Lives {
    std::vector<Walks> worse;  // by kWorse
    Walks healthy;             // until they are passed
  };
  struct Proofs {
    Boundaries fails, passes;
  };

  LimitPower of(std::size_t number, const Case& step) {
    const auto& [gate, kind] = limits_[number];
    LimitPower power;
    power.gate = gate_name(gate, kind);
    power.unit = unit_of(gate);
    power.against_stable = kind == LimitKind::max_increase;
    const auto quantile = quantile_of(gate.metric);
    if (quantile && traffic_.latency.count == 0) {
      power.why = "no latencies are known yet";
      return power;
    }
    power.baseline = quantile ? slowness_.exceeded_by(1 - *quantile) : traffic_.error_rate;
    power.limit = power.against_stable ? power.baseline + *gate.max_increase : *gate.max;
    const auto values = worse_than(power);
    if (power.against_stable)
      tell(power, values,
           quantile ? by_quantiles(power, *quantile, values, step) : by_rates(power, values, step), step);
    else
      tell(power, values, by_number(number, power, quantile, values, step), step);
    return power;
  }

  static void tell(LimitPower& power, const std::vector<double>& values, const Lives& lives,
                   const Case& step) {
    for (std::size_t i = 0; i < values.size(); ++i)
      power.worse.push_back({values[i], times_of(lives.worse[i], step)});
    if (!lives.healthy.empty()) power.passed = times_of(lives.healthy, step);
    power.least = least_found(power, step.hold);
  }

  // Rates beyond the limit, or times; rates below 1.
  static std::vector<double> worse_than(const LimitPower& power) {
    std::vector<double> values;
    for (const double times : kWorse) {
      const double value = power.limit > 0 ? power.limit * times : times / 1000;
      if (power.unit != "rate" || value < 1) values.push_back(value);
    }
    return values;
  }

  // A quantile is a rate, too: of the answers that are slower than its limit.
  Lives by_number(std::size_t number, const LimitPower& power, std::optional<double> quantile,
                  const std::vector<double>& values, const Case& step) {
    const auto rate_of = [&](double value) {
      return quantile ? slowness_.slower_than(power.limit * power.baseline / value) : value;
    };
    const Proofs& proofs = proofs_against(number, quantile ? 1 - *quantile : power.limit);
    Lives lives;
    for (const double value : values)
      lives.worse.push_back(walks_to_fail(proofs.fails, rate_of(value), step.looking(), random_));
    lives.healthy = walks_to_pass(proofs.passes, rate_of(power.baseline), step.looking(), random_);
    return lives;
  }

  // The same in every step.
  const Proofs& proofs_against(std::size_t number, double limit) {
    auto& known = against_numbers_[number];
    if (known) return *known;
    const auto fails = [&](double more) {
      return Boundary::most_answers(
          [limit, least = threshold(risk_.fail) + more](double n, double k) {
            return evidence_above(tally(n, k), limit) >= least;
          },
          most_, Boundary::kFine);
    };
    known.emplace();
    known->fails.expected = fails(0);
    for (const double more : kParts) known->fails.fresh.push_back({more, fails(more)});
    known->passes.expected = Boundary::fewest_answers(
        [&](double n, double k) { return evidence_below(tally(n, k), limit) >= threshold(risk_.pass); },
        most_, Boundary::kFine);
    return *known;
  }

  Lives by_rates(const LimitPower& power, const std::vector<double>& values, const Case& step) {
    const double most = step.looking().most, increase = power.limit - power.baseline;
    const Beside beside{step.stable_rate / step.canary_rate, power.baseline};
    // Asked of both pools: with the canary's answers come those of stable, and so many deviations more
    // events.
    const auto pools = [&beside](double n, double k, double deviation, const auto& proves) {
      const double answers = n * beside.times, expected = answers * beside.rate;
      const double events = std::clamp(expected + deviation * std::sqrt(expected), 0.0, answers);
      return proves(tally(n, k), tally(answers, events));
    };
    const auto fails = [&](double deviation, double more) {
      return Boundary::most_answers(
          [&, deviation, risk = risk_.fail * std::exp(-more)](double n, double k) {
            return pools(n, k, deviation,
                         [&](Tally mine, Tally other) { return increased(mine, other, increase, risk); });
          },
          most, deviation == 0 && more == 0 ? kCoarse : kRough);
    };
    const auto passes = [&](double deviation) {
      return Boundary::fewest_answers(
          [&, deviation](double n, double k) {
            return pools(n, k, deviation, [&](Tally mine, Tally other) {
              return not_increased(mine, other, increase, risk_.pass);
            });
          },
          most, deviation == 0 ? kCoarse : kRough);
    };
    constexpr double kD = Boundaries::kDeviation;
    Boundaries proof{fails(-kD, 0), fails(0, 0), fails(kD, 0), beside, {}};
    for (const double more : kFewParts) proof.fresh.push_back({more, fails(0, more)});
    Lives lives;
    for (const double value : values)
      lives.worse.push_back(walks_to_fail(proof, value, step.looking(), random_));
    const Boundaries kept{passes(-kD), passes(0), passes(kD), beside, {}};
    lives.healthy = walks_to_pass(kept, power.baseline, step.looking(), random_);
    return lives;
  }

  // The events are the canary's answers that are slower than what stable's quantile is known to be at most,
  // and the increase.
  Lives by_quantiles(const LimitPower& power, double quantile, const std::vector<double>& values,
                     const Case& step) {
    const double rest = 1 - quantile, most = step.looking().most, increase = power.limit - power.baseline;
    const double times = step.stable_rate / step.canary_rate, least = threshold(risk_.fail / 2);
    const Boundary proof =
        Boundary::most_answers([&](double n, double k) { return evidence_above(tally(n, k), rest) >= least; },
                               most, Boundary::kFine);
    const Boundary bound = Boundary::fewest_answers(
        [&](double n, double k) { return evidence_below(tally(n, k), rest) >= least; }, most * times,
        Boundary::kFine);
    // Of n answers of stable's, the part that lies beyond its upper bound.
    const auto beyond = [&](double n, double deviation) {
      double low = 0, high = rest;
      for (int i = 0; i < 12; ++i) {
        const double middle = (low + high) / 2;
        const double seen = n * middle + deviation * std::sqrt(n * middle * (1 - middle));
        (bound.answers(std::ceil(std::max(0.0, seen))) <= n ? low : high) = middle;
      }
      return low;
    };
    // By look, and by deviation from -3 to 3 in quarters.
    constexpr std::size_t kDeviations = 25;
    std::vector<double> limits;
    for (double n = kFirstLook; n <= most; n *= kFurtherLook)
      for (std::size_t i = 0; i < kDeviations; ++i)
        limits.push_back(slowness_.exceeded_by(beyond(n * times, static_cast<double>(i) / 4 - 3)) + increase);
    Lives lives;
    for (const double value : values) {
      std::vector<double> rates;
      for (const double limit : limits)
        rates.push_back(slowness_.slower_than(limit * power.baseline / value));
      const auto rate = [&rates](std::size_t look, double deviation) {
        const auto place = std::lround((std::clamp(deviation, -3.0, 3.0) + 3) * 4);
        return rates[look * kDeviations + static_cast<std::size_t>(place)];
      };
      lives.worse.push_back(walks_to_fail(proof, rate, most, random_));
    }
    return lives;
  }

  const Traffic& traffic_;
  const Slowness slowness_;
  const double most_;  // answers of the canary in any step
  Random random_;
  Risk risk_;
  std::vector<Judge::Tests::Limit> limits_;
  std::vector<std::optional<Proofs>> against_numbers_;  // by limit, once they were asked for
};

std::vector<Case> cases_of(const config::PlanSpec& plan, const Traffic& traffic) {
  std::vector<Case> all;
  for (const auto& step : plan.steps) {
    const double part = static_cast<double>(step.mirror > 0 ? step.mirror : step.share) / kWhole;
    const double hold = std::chrono::duration<double>(step.hold).count();
    const double rest = 1 - part;
    const double stable = step.mirror > 0 ? 1 : plan.equal_control ? std::min(part, rest) : rest;
    all.push_back({traffic.rate * part, traffic.rate * stable, std::max(hold * kLongest, kHour),
                   std::chrono::duration<double>(looking_interval(step.hold)).count(), hold});
  }
  return all;
}

}  // namespace

std::vector<StepPower> power_of(const config::PlanSpec& plan, const Traffic& traffic, std::uint64_t seed) {
  const auto cases = cases_of(plan, traffic);
  double most = 0;
  for (const Case& one : cases) most = std::max(most, one.looking().most);
  Powers powers(plan, traffic, most, seed);
  const FastFail fast = FastFail::tolerating(traffic.error_rate);
  std::vector<StepPower> steps;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& [canary_rate, stable_rate, longest, look, hold] = cases[i];
    const auto& spec = plan.steps[i];
    StepPower& step = steps.emplace_back();
    step = {spec.share, spec.mirror, spec.hold, canary_rate, stable_rate, {}, {}, {}};
    if (canary_rate <= 0) continue;
    step.enough = plan.min_requests / (stable_rate > 0 ? std::min(canary_rate, stable_rate) : canary_rate);
    step.broken = fast.failures() / canary_rate;
    step.limits = powers.at(cases[i]);
  }
  return steps;
}

}  // namespace sluice::rollout
