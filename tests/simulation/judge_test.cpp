// What control/rollout/JUDGE.md promises of the judge, measured on simulated rollouts with fixed seeds: how
// rarely a healthy canary is stopped, and how fast a bad one is (G5, G6). Looks are taken every few answers,
// which is what an always-valid test must stand.
#include "control/rollout/judge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/lognormal.hpp>
#include <cmath>
#include <iostream>
#include <random>
#include <vector>

#include "control/rollout/fast_fail.hpp"
#include "support/readings.hpp"

namespace sluice::rollout {
namespace {

using Random = std::mt19937_64;

bool all_pass(const std::vector<Judgement>& judgements) {
  const auto passes = [](const Judgement& one) { return one.verdict == Verdict::pass; };
  return std::all_of(judgements.begin(), judgements.end(), passes);
}

constexpr double kMedian = 0.05;  // seconds; the latencies are lognormal, p95 at 114 ms
constexpr double kSpread = 0.5;
constexpr double kP95 = 0.1138;
constexpr std::array kShares = {0.05, 0.25, 0.50, 1.0};

config::GateSpec gate(std::string metric, std::optional<double> max, std::optional<double> increase = {}) {
  config::GateSpec spec;
  spec.metric = std::move(metric);
  spec.max = max;
  spec.max_increase = increase;
  return spec;
}

// Latencies at even steps through their distribution: as good as it, and fast.
const std::vector<std::size_t>& latency_buckets() {
  static const std::vector<std::size_t> buckets = [] {
    const boost::math::lognormal_distribution<> latency(std::log(kMedian), kSpread);
    std::vector<std::size_t> found(4096);
    for (std::size_t i = 0; i < found.size(); ++i)
      found[i] = observe::HistogramLayout::index(static_cast<std::uint64_t>(
          quantile(latency, (static_cast<double>(i) + 0.5) / static_cast<double>(found.size())) * 1e6));
    return found;
  }();
  return buckets;
}

// Two pools that answer at random.
struct Pools {
  explicit Pools(std::uint64_t seed) : random(seed) {}

  bool chance(double p) { return static_cast<double>(random() >> 11) * 0x1p-53 < p; }
  bool answer(Reading& reading, double error_rate) {
    const bool error = chance(error_rate);
    ++reading.attempts;
    reading.errors += error;
    ++reading.latency.buckets[latency_buckets()[random() % 4096]];
    ++reading.latency.count;
    return error;
  }
  // What stable answers while the canary answers one.
  void answer_stable(double canary_share, double error_rate) {
    owed += (1 - canary_share) / canary_share;
    for (; owed >= 1; --owed) answer(stable, error_rate);
  }

  Random random;
  Reading canary, stable;
  double owed = 0;
};

struct Healthy {
  double error_rate;
  std::vector<config::GateSpec> gates;
  std::uint64_t answers;  // of the canary, in each phase
  std::uint64_t every;    // answers between looks
};

// Whether anything stops a canary that is no worse than stable, in four phases.
bool stopped(const Healthy& healthy, std::uint64_t seed) {
  Pools pools(seed);
  Judge judge(healthy.gates, kShares.size());
  const FastFail fast_fail = FastFail::tolerating(tolerated_rate({}, 0));
  for (const double share : kShares) {
    judge.begin(pools.canary, pools.stable);
    std::int32_t score = 0;
    for (std::uint64_t i = 1; i <= healthy.answers; ++i) {
      score = fast_fail.next(score, pools.answer(pools.canary, healthy.error_rate));
      if (fast_fail.tripped(score)) return true;
      pools.answer_stable(share, healthy.error_rate);
      if (i % healthy.every == 0 && judge.fails(pools.canary, pools.stable, share < 1)) return true;
    }
  }
  return false;
}

double stopped_of(const Healthy& healthy, std::uint64_t rollouts, std::uint64_t seed) {
  std::uint64_t count = 0;
  for (std::uint64_t i = 0; i < rollouts; ++i) count += stopped(healthy, seed + i);
  const double part = static_cast<double>(count) / static_cast<double>(rollouts);
  std::cout << "  " << count << " of " << rollouts << " rollouts stopped, " << 100 * part << " %, seeds from "
            << seed << "\n";
  return part;
}

TEST(JudgeSimulation, G5AHealthyCanaryIsStoppedInLessThanOnePercentOfRollouts) {
  const Healthy plan{.error_rate = 0.01,
                     .gates = {gate("error_rate", 0.05, 0.01), gate("p95", 0.5, 0.02)},
                     .answers = 1'000,
                     .every = 50};
  EXPECT_LE(stopped_of(plan, 2'000, 1'000'000), 0.01);
}

// The worst canary that is still allowed: every limit is where it is itself, so each look is on the edge.
TEST(JudgeSimulation, G5NorIsOneThatSitsOnEveryLimit) {
  const Healthy edge{.error_rate = 0.01,
                     .gates = {gate("error_rate", 0.01, 0.0), gate("p95", kP95)},
                     .answers = 1'000,
                     .every = 25};
  EXPECT_LE(stopped_of(edge, 3'000, 2'000'000), 0.01);
}

// The least n with which the best test of a fixed size finds `bad` where `limit` is allowed: the exact
// one-sided binomial test is uniformly most powerful (Neyman and Pearson). Its power saws with n; from this n
// on it holds.
std::uint64_t best_fixed_size(double limit, double bad, double alpha, double power) {
  std::uint64_t least = 0;
  for (std::uint64_t n = 2'000; n > 10; --n) {
    const double size = static_cast<double>(n);
    const boost::math::binomial_distribution<> allowed(size, limit), real(size, bad);
    double critical = 0;
    while (cdf(complement(allowed, critical)) > alpha) ++critical;
    if (cdf(complement(real, critical)) < power) break;
    least = n;
  }
  return least;
}

// Attempts of the canary until a limit fails, at 5 % share, after it was well for `well` attempts.
std::vector<std::uint64_t> attempts_until_found(const config::GateSpec& spec, std::uint64_t well,
                                                std::uint64_t runs, std::uint64_t seed) {
  std::vector<std::uint64_t> found;
  for (std::uint64_t run = 0; run < runs; ++run) {
    Pools pools(seed + run);
    Judge judge({spec}, kShares.size());
    judge.begin({}, {});
    bool error = false;
    for (std::uint64_t n = 1; found.size() == run; ++n) {
      error |= pools.answer(pools.canary, n <= well ? 0.01 : 0.06);
      pools.answer_stable(0.05, 0.01);
      const bool due = n > well ? error : n % 50 == 0;  // nothing but an error can make it fail
      if (due && judge.fails(pools.canary, pools.stable)) found.push_back(n > well ? n - well : 0);
      if (due) error = false;
    }
  }
  std::ranges::sort(found);
  return found;
}

struct Delay {
  double mean = 0, median = 0, ninth_decile = 0;
};

Delay delay_of(const char* what, const std::vector<std::uint64_t>& found, std::uint64_t fixed = 0) {
  Delay delay;
  for (const auto n : found) delay.mean += static_cast<double>(n) / static_cast<double>(found.size());
  delay.median = static_cast<double>(found[found.size() / 2]);
  delay.ninth_decile = static_cast<double>(found[found.size() * 9 / 10]);
  std::cout << "  " << what << ": ";
  if (fixed > 0) std::cout << "fixed size " << fixed << ", ";
  std::cout << "mean " << delay.mean << ", median " << delay.median << ", 90 % within " << delay.ninth_decile
            << "\n";
  return delay;
}

// Both tests at the risk that a limit has in a plan of four steps, the fixed one with a power of 90 %. It is
// told stable's rate, which the judge has to learn.
TEST(JudgeSimulation, G5OnePercentThatBecomesSixIsFoundAsFastAsByTheBestTestOfAFixedSize) {
  constexpr double kPower = 0.9, kAllowed = 1.3;
  const double alpha = risk_of(kShares.size(), 1).fail;
  const auto at_limit = best_fixed_size(0.01, 0.06, alpha, kPower);
  const auto limit =
      delay_of("max 1 %", attempts_until_found(gate("error_rate", 0.01), 0, 1'000, 3'000'000), at_limit);
  EXPECT_LE(limit.mean, kAllowed * static_cast<double>(at_limit));
  EXPECT_LE(limit.median, kAllowed * static_cast<double>(at_limit));
  const auto above = best_fixed_size(0.02, 0.06, alpha, kPower);
  const auto increase = delay_of(
      "against stable + 1 %", attempts_until_found(gate("error_rate", {}, 0.01), 0, 1'000, 4'000'000), above);
  EXPECT_LE(increase.mean, kAllowed * static_cast<double>(above));
  EXPECT_LE(increase.median, kAllowed * static_cast<double>(above));
}

// The same change in the middle of a step, after ten thousand good answers.
TEST(JudgeSimulation, G2ItIsFoundInTheMiddleOfALongStepToo) {
  const double alpha = risk_of(kShares.size(), 1).fail;
  const auto fixed = best_fixed_size(0.01, 0.06, alpha, 0.9);
  const auto found = attempts_until_found(gate("error_rate", 0.01), 10'000, 150, 5'000'000);
  const Delay delay = delay_of("max 1 %, after 10,000", found, fixed);
  EXPECT_LE(delay.median, 2 * static_cast<double>(fixed));
}

// A rollout whose canary is well passes at ordinary traffic, with an error now and then.
TEST(JudgeSimulation, G2AHealthyCanaryPassesAfterThisManyAnswers) {
  Judge judge({gate("error_rate", 0.05), gate("p95", 0.5)}, kShares.size());
  std::vector<std::uint64_t> passed;
  for (std::uint64_t run = 0; run < 300; ++run) {
    Pools pools(6'000'000 + run);
    judge.begin({}, {});
    do {
      for (int i = 0; i < 10; ++i) pools.answer(pools.canary, 0.01);
    } while (!all_pass(judge.look(pools.canary, pools.stable)));
    passed.push_back(pools.canary.attempts);
  }
  std::ranges::sort(passed);
  delay_of("passed a limit of 5 %", passed);
  EXPECT_LE(passed[150], 200u);
  EXPECT_LE(passed[270], 400u);
}

// The other error, at the edge: with an error rate just at the limit, a pass is as rare as Risk says, at
// every look.
TEST(JudgeSimulation, G5ACanaryAtItsLimitIsSeldomPassed) {
  constexpr std::uint64_t kRuns = 2'000;
  std::uint64_t passed = 0;
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    Pools pools(9'000'000 + run);
    Tally tally;
    bool pass = false;
    while (tally.n < 3'000 && !pass) {
      ++tally.n;
      tally.k += pools.chance(0.05);
      pass = tally.n % 5 == 0 && evidence_below(tally, 0.05) >= threshold(Risk().pass);
    }
    passed += pass;
  }
  std::cout << "  " << passed << " of " << kRuns << " passed\n";
  EXPECT_LE(static_cast<double>(passed), Risk().pass * kRuns);
}

// G6, by the rate of errors: what is broken goes at once, what is not stays.
TEST(JudgeSimulation, G6ABrokenCanaryIsStoppedWithinTenOfItsAnswers) {
  const FastFail fast_fail = FastFail::tolerating(tolerated_rate({}, 0.05));
  const auto answers_until_tripped = [&](double error_rate, std::uint64_t most, std::uint64_t seed) {
    Pools pools(seed);
    std::int32_t score = 0;
    std::uint64_t n = 0;
    for (; n < most && !fast_fail.tripped(score); ++n)
      score = fast_fail.next(score, pools.chance(error_rate));
    return n;
  };
  std::cout << "  all failing: " << answers_until_tripped(1, 100, 1) << " answers\n";
  EXPECT_LE(answers_until_tripped(1, 100, 1), 10u);
  std::vector<std::uint64_t> half;
  for (std::uint64_t run = 0; run < 1'000; ++run)
    half.push_back(answers_until_tripped(0.5, 10'000, 7'000'000 + run));
  std::ranges::sort(half);
  delay_of("half failing", half);
  EXPECT_LE(half[500], 50u);
  constexpr std::uint64_t kMany = 20'000'000;
  EXPECT_EQ(answers_until_tripped(0.01, kMany, 8'000'000), kMany);
}

}  // namespace
}  // namespace sluice::rollout
