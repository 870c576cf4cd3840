// What docs/before-a-shift.md promises of a plan's power: the times that power_of() foretells are, within a
// tenth, those after which the judge finds a canary. The truth is made here: clients that come by chance,
// answers one by one, looks by the clock; the judge itself looks.
#include "control/rollout/power.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <iostream>
#include <random>
#include <vector>

#include "control/rollout/judge.hpp"

namespace sluice::rollout {
namespace {

using Layout = observe::HistogramLayout;
using namespace std::chrono_literals;

constexpr double kMedianTime = 0.05, kSpreadOfTimes = 0.5;  // seconds; lognormal, p95 at 114 ms

config::GateSpec gate_of(std::string metric, std::optional<double> max, std::optional<double> increase = {}) {
  config::GateSpec spec;
  spec.metric = std::move(metric);
  spec.max = max;
  spec.max_increase = increase;
  spec.against_stable = increase.has_value();
  return spec;
}

struct PowerCase {
  const char* name;
  double rate;    // requests a second, both pools
  Share share;    // of the first of four steps
  double errors;  // of stable's answers
  config::GateSpec gate;
  double canary_errors, canary_slower = 1;
  std::size_t worse = 0;  // which of the canaries that power_of() looks at
  int rollouts = 2'000;
};

config::PlanSpec plan_of(const PowerCase& in) {
  config::PlanSpec plan;
  for (const Share share : {in.share, Share{25'000}, Share{50'000}, config::kWhole})
    plan.steps.push_back({share, 1h, false, 0, {}});
  plan.gates = {in.gate};
  return plan;
}

Traffic traffic_of(const PowerCase& in) {
  std::mt19937 chance(7);
  std::lognormal_distribution<double> latency(std::log(kMedianTime), kSpreadOfTimes);
  Traffic traffic{in.rate, in.errors, {}};
  for (int i = 0; i < 200'000; ++i) {
    // As control keeps it, in buckets of 6 %.
    const std::size_t bucket = Layout::index(static_cast<std::uint64_t>(latency(chance) * 1e6)) / 4 * 4 + 3;
    ++traffic.latency.buckets[bucket];
    ++traffic.latency.count;
  }
  return traffic;
}

// One rollout's first step, until the judge says fail; seconds, or the horizon.
double lived(const PowerCase& in, double horizon, std::uint64_t seed) {
  std::minstd_rand chance(static_cast<std::minstd_rand::result_type>(seed));
  for (int i = 0; i < 10; ++i) chance();
  std::exponential_distribution<double> gap(in.rate);
  std::uniform_real_distribution<double> any(0, 1);
  std::lognormal_distribution<double> latency(std::log(kMedianTime), kSpreadOfTimes);
  Judge judge({in.gate}, 4);
  Reading canary, stable;
  judge.begin(canary, stable);
  double now = gap(chance);
  for (double look = 1; look <= horizon; ++look) {
    for (; now < look; now += gap(chance)) {
      const bool mine = any(chance) * config::kWhole < in.share;
      Reading& pool = mine ? canary : stable;
      ++pool.attempts;
      pool.errors += any(chance) < (mine ? in.canary_errors : in.errors);
      const double time = latency(chance) * (mine ? in.canary_slower : 1);
      ++pool.latency.buckets[Layout::index(static_cast<std::uint64_t>(time * 1e6))];
      ++pool.latency.count;
    }
    if (judge.fails(canary, stable)) return look;
  }
  return horizon;
}

double quantile_of_times(std::vector<double>& times, double q) {
  std::ranges::sort(times);
  return times[static_cast<std::size_t>(q * static_cast<double>(times.size()))];
}

const PowerCase kPowerCases[] = {
    {"3/s on the canary, 1 % -> 2 %, limit 1 %", 60, 5'000, 0.01, gate_of("error_rate", 0.01), 0.02, 1, 2},
    {"3/s on the canary, 1 % -> 1.5 %, limit 1 %", 60, 5'000, 0.01, gate_of("error_rate", 0.01), 0.015, 1, 1,
     2'500},
    {"20/s, 1 % -> 10 %, limit 5 %", 200, 10'000, 0.01, gate_of("error_rate", 0.05), 0.10, 1, 2},
    {"0.5/s, 0 -> 15 %, limit 5 %", 10, 5'000, 0.0, gate_of("error_rate", 0.05), 0.15, 1, 3},
    {"5/s beside 95/s, 1 % -> 4 %, limit stable + 1 %", 100, 5'000, 0.01, gate_of("error_rate", {}, 0.01),
     0.04, 1, 2},
    {"20/s beside 20/s, 1 % -> 4 %, limit stable + 1 %", 40, 50'000, 0.01, gate_of("error_rate", {}, 0.01),
     0.04, 1, 2},
    {"10/s, p95 114 ms -> 240 ms, limit 120 ms", 100, 10'000, 0.0, gate_of("p95", 0.12), 0.0, 0.24 / 0.1138,
     2},
    {"10/s beside 90/s, p95 114 ms -> 201 ms, limit stable + 20 ms", 100, 10'000, 0.0,
     gate_of("p95", {}, 0.02), 0.0, 1.5 * (0.1138 + 0.02) / 0.1138, 1},
};

struct PowerSimulation : ::testing::TestWithParam<PowerCase> {};

TEST_P(PowerSimulation, WhatIsForetoldIsWhatHappens) {
  const PowerCase& in = GetParam();
  constexpr std::uint64_t kSeed = 19, kTruth = 40'000;
  const auto plan = plan_of(in);
  const auto traffic = traffic_of(in);
  const std::clock_t began = std::clock();
  const auto steps = power_of(plan, traffic, kSeed);
  const double took = 1e3 * static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  const LimitPower& power = steps.at(0).limits.at(0);
  const Worse& worse = power.worse.at(in.worse);
  ASSERT_NEAR(worse.value, power.unit == "rate" ? in.canary_errors : in.canary_slower * 0.1138,
              worse.value * 0.02);
  ASSERT_TRUE(worse.found.median && worse.found.most) << "not foretold";
  std::vector<double> times;
  for (int i = 0; i < in.rollouts; ++i)
    times.push_back(lived(in, *worse.found.most * 4, kTruth + static_cast<std::uint64_t>(i)));
  const double median = quantile_of_times(times, 0.5), most = quantile_of_times(times, 0.95);
  std::cout << "  " << in.name << ": foretold " << *worse.found.median << " s (median), " << *worse.found.most
            << " s (95 %); of " << in.rollouts << " rollouts " << median << " s, " << most << " s; seeds "
            << kSeed << " and from " << kTruth << "; foretold in " << took << " ms\n";
  // A look is a second: less cannot be told apart.
  EXPECT_NEAR(*worse.found.median, median, std::max(1.0, median * 0.1));
  EXPECT_NEAR(*worse.found.most, most, std::max(1.0, most * 0.1));
}

INSTANTIATE_TEST_SUITE_P(All, PowerSimulation, ::testing::ValuesIn(kPowerCases));

}  // namespace
}  // namespace sluice::rollout
