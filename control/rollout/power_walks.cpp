#include "control/rollout/power_walks.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "control/rollout/window_starts.hpp"

namespace sluice::rollout {
namespace {

constexpr double kOneByOne = 120;  // events; beyond, so many per cent of them at a time
constexpr double kAtOnce = 0.02;

double uniform(Random& random) { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; }

double normal(Random& random) {
  static thread_local std::normal_distribution<double> standard;
  return standard(random);
}

// Answers until `events` more of them were events.
double answers_until(double events, double rate, Random& random) {
  if (rate >= 1) return events;
  if (events > 1) {
    const double drawn = events / rate + std::sqrt(events * (1 - rate)) / rate * normal(random);
    return std::max(events, std::round(drawn));
  }
  return 1 + std::floor(std::log(uniform(random)) / std::log1p(-rate));
}

double poisson(double mean, Random& random) {
  if (mean > 30) return std::max(0.0, std::round(mean + std::sqrt(mean) * normal(random)));
  double events = 0;
  for (double left = std::exp(-mean), product = uniform(random); product > left; product *= uniform(random))
    ++events;
  return events;
}

// The stable pool's events as the canary's answers go on.
class StableWalk {
 public:
  explicit StableWalk(const Beside& beside) : beside_(beside) {}

  // Standard deviations of what was expected of it, `more` answers of the canary later.
  double deviation_after(double more, Random& random) {
    const double mean = more * beside_.times * beside_.rate;
    if (mean <= 0) return 0;
    expected_ += mean;
    events_ += poisson(mean, random);
    return (events_ - expected_) / std::sqrt(expected_);
  }

 private:
  const Beside beside_;
  double expected_ = 0, events_ = 0;
};

// The windows that begin later in the step. Of those that the judge keeps these are the ones that live long:
// their numbers are powers of two, or three times one.
class FreshWindows {
 public:
  explicit FreshWindows(const Boundaries& proof) : proof_(proof) {}

  // From (n, k) to a later point, between which windows may have begun.
  void pass(double n, double k, double later_n, double later_k) {
    if (proof_.fresh.empty()) return;
    constexpr double kApart = WindowStarts::kApart;
    for (double at = std::max(next_, n); at <= later_n; at = next_) {
      begin(at, later_n > n ? k + std::floor((later_k - k) * (at - n) / (later_n - n)) : k);
      next_ = at + kApart;
    }
  }
  bool prove(double n, double k) const {
    return std::ranges::any_of(
        starts_, [&](const Start& start) { return proves(n - start.n, k - start.k, start.more); });
  }

 private:
  struct Start {
    std::uint64_t until;  // number at which it is forgotten
    double n, k, more;
  };
  void begin(double n, double k) {
    ++number_;
    const std::uint64_t power = number_ & (~number_ + 1);
    std::erase_if(starts_, [this](const Start& start) { return start.until < number_; });
    if (number_ / power > 3) return;
    const double number = static_cast<double>(number_);
    starts_.push_back({number_ + WindowStarts::kKept * power, n, k, std::log(number * (number + 1))});
  }
  // Between two parts of the risk whose boundaries are known it lies as their logarithms do.
  bool proves(double n, double k, double more) const {
    auto above = proof_.fresh.begin() + 1;
    while (above + 1 != proof_.fresh.end() && above->more < more) ++above;
    const auto below = above - 1;
    const double one = below->proof.answers(k), other = above->proof.answers(k);
    if (one <= 0 || other <= 0) return false;
    if (more >= below->more && more <= above->more && (n > one || n <= other)) return n <= other;
    return n <= one * std::pow(other / one, (more - below->more) / (above->more - below->more));
  }

  const Boundaries& proof_;
  std::vector<Start> starts_;
  std::uint64_t number_ = 0;
  double next_ = WindowStarts::kApart;
};

// A parabola through the three.
double answers_at(const Boundaries& proof, double k, double deviation) {
  const double middle = proof.expected.answers(k);
  if (deviation == 0 || proof.beside.times == 0) return middle;
  const double low = proof.fewer.answers(k), high = proof.more.answers(k);
  if (std::isinf(low) || std::isinf(high) || std::isinf(middle)) return deviation < 0 ? low : high;
  const double x = std::clamp(deviation / Boundaries::kDeviation, -2.0, 2.0);
  return std::max(0.0, middle + x * (high - low) / 2 + x * x * ((high + low) / 2 - middle));
}

}  // namespace

Walks walks_to_fail(const Boundaries& proof, double rate, const Looking& looking, Random& random) {
  Walks walks(kWalks, {kNever, 0});
  if (rate <= 0) return walks;
  const double apart = std::max(1.0, looking.apart);
  for (Walk& walk : walks) {
    StableWalk stable(proof.beside);
    FreshWindows fresh(proof);
    double k = 0, n = 0, events = 1;
    double more = answers_until(events, rate, random);
    while (n + more <= looking.most) {
      fresh.pass(n, k, n + more, k + events);
      k += events;
      n += more;
      const double deviation = stable.deviation_after(more, random);
      events = k < kOneByOne ? 1 : std::ceil(k * kAtOnce);
      more = answers_until(events, rate, random);
      // What the judge sees when it looks next, unless there is another event by then.
      const double seen = std::ceil(n / apart) * apart;
      if (n + more <= seen) continue;
      if (seen > answers_at(proof, k, deviation) && !fresh.prove(seen, k)) continue;
      walk = {seen, normal(random)};
      break;
    }
  }
  return walks;
}

Walks walks_to_pass(const Boundaries& proof, double rate, const Looking& looking, Random& random) {
  Walks walks(kWalks, {kNever, 0});
  for (Walk& walk : walks) {
    StableWalk stable(proof.beside);
    double k = 0, n = 0, deviation = 0;
    while (n <= looking.most) {
      const double events = k < kOneByOne ? 1 : std::ceil(k * kAtOnce);
      const double more = rate > 0 ? answers_until(events, rate, random) : kNever;
      const double answers = std::max(n, answers_at(proof, k, deviation));
      if (answers < n + more && answers <= looking.most) {
        walk = {answers, normal(random)};
        break;
      }
      k += events;
      n += more;
      if (n <= looking.most) deviation = stable.deviation_after(more, random);
    }
  }
  return walks;
}

Walks walks_to_fail(const Boundary& proof, const std::function<double(std::size_t, double)>& rate,
                    double most, Random& random) {
  Walks walks(kWalks, {kNever, 0});
  std::vector<double> answers;
  for (double n = kFirstLook; n <= most; n *= kFurtherLook) answers.push_back(n);
  for (Walk& walk : walks) {
    // Sums of as many standard normals: the canary's events, and stable's, over what is expected.
    double mine = 0, others = 0, before = 0;
    for (std::size_t look = 0; look < answers.size(); ++look) {
      const double n = answers[look], step = std::sqrt(n - std::exchange(before, n));
      mine += step * normal(random);
      others += step * normal(random);
      const double p = rate(look, others / std::sqrt(n));
      const double k = std::floor(n * p + std::sqrt(p * (1 - p)) * mine);
      if (k < 1 || n > proof.answers(k)) continue;
      walk = {n, normal(random)};
      break;
    }
  }
  return walks;
}

}  // namespace sluice::rollout
