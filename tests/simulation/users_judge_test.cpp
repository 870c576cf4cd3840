// G5 and G6 where requests are not independent (traffic of users.hpp): how rarely a healthy canary is
// stopped, by what it was judged, and how many more answers a bad one takes to be found.
// SLUICE_SIMULATION_RUNS multiplies the rollouts.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "control/rollout/fast_fail.hpp"
#include "control/rollout/judge.hpp"
#include "proxy/observe/breaker.hpp"
#include "proxy/observe/trial_counters.hpp"
#include "simulation/users.hpp"

namespace sluice::rollout {
namespace {

using observe::CellLayout;
using simulation::Asked;
using simulation::Kind;
using simulation::Traffic;

constexpr std::uint32_t kWholeTable = 100'000;

config::GateSpec limit(const char* metric, std::optional<double> max, std::optional<double> increase) {
  config::GateSpec spec;
  spec.metric = metric;
  spec.max = max;
  spec.max_increase = increase;
  return spec;
}

std::uint64_t rollouts_of(std::uint64_t few) {
  const char* times = std::getenv("SLUICE_SIMULATION_RUNS");
  return few * static_cast<std::uint64_t>(std::max(1, times ? std::atoi(times) : 1));
}

void count(Reading& reading, const Asked& asked) {
  if (reading.cells.empty()) reading.cells.resize(CellLayout::kNumbers);
  const std::size_t cell = CellLayout::cell_of(asked.place) * CellLayout::kEach;
  ++reading.attempts, ++reading.cells[cell + CellLayout::kAttempts];
  reading.errors += asked.error, reading.cells[cell + CellLayout::kErrors] += asked.error;
  ++reading.latency.buckets[observe::HistogramLayout::index(asked.micros)];
  ++reading.latency.count;
  ++reading.cells[cell + CellLayout::kTimes + observe::CellTimes::index(asked.micros)];
}

Reading without_cells(Reading reading) {
  reading.cells.clear();
  return reading;
}

// One way to judge: `by_users` as this version does, or as all did before; against a cohort of the same size
// or against the pool.
struct Way {
  const char* name;
  bool by_users, equal;
};
constexpr std::array kWays = {Way{"independent, pool ", false, false}, Way{"independent, equal", false, true},
                              Way{"by users, pool    ", true, false}, Way{"by users, equal   ", true, true}};

struct Plan {
  std::vector<config::GateSpec> gates = {limit("error_rate", 0.05, {}), limit("error_rate", {}, 0.01),
                                         limit("p95", 0.5, {}), limit("p95", {}, 0.02)};
  std::vector<double> shares = {0.05, 0.25, 0.50, 1.0};
  std::uint64_t answers = 1'000;  // of the canary, in each step
  std::uint64_t every = 50;       // of these between looks
  double worse = 0;               // errors that the canary has besides
};

struct Outcome {
  enum class By { nothing, gate, fast_fail } by = By::nothing;
  std::uint64_t after = 0;  // answers of the canary
};

// One rollout, judged in one way. The traffic is the same for every way until one sends a user elsewhere.
Outcome rollout(const Kind& kind, const Plan& plan, const Way& way, std::uint64_t seed) {
  Traffic traffic(kind, seed);
  Judge judge(plan.gates, plan.shares.size());
  const FastFail test = FastFail::tolerating(tolerated_rate({}, 0.05));
  observe::Breaker breaker(test.up, test.down, test.trip, way.by_users);
  Reading canary, pool, cohort;
  const auto seen = [&](const Reading& reading) { return way.by_users ? reading : without_cells(reading); };
  std::uint64_t all = 0, seen_cells = 0;
  for (const double share : plan.shares) {
    const auto edge = static_cast<std::uint32_t>(share * kWholeTable);
    const bool equal = way.equal && share <= 0.5;
    const Reading& other = equal ? cohort : pool;
    judge.begin(seen(canary), seen(other));
    for (std::uint64_t n = 0; n < plan.answers;) {
      Asked asked = traffic.next();
      seen_cells |= std::uint64_t{1} << CellLayout::cell_of(asked.place);
      const bool moved = asked.place < edge;
      const auto entry =
          moved ? breaker.enter(asked.place, way.by_users && share == 1) : observe::Breaker::Entry::refused;
      if (breaker.tripped()) return {Outcome::By::fast_fail, all};
      if (entry == observe::Breaker::Entry::refused) {
        if (moved) continue;  // kept out: not stable's user
        if (way.by_users) breaker.count_stable(asked.error);
        count(pool, asked);
        if (asked.place >= kWholeTable - edge) count(cohort, asked);
        continue;
      }
      asked.error |= plan.worse > 0 && traffic.uniform() < plan.worse;
      count(canary, asked);
      breaker.count(asked.error, asked.place, way.by_users && share == 1);
      breaker.leave(entry);
      ++n, ++all;
      if (breaker.tripped()) return {Outcome::By::fast_fail, all};
      const bool due = n % plan.every == 0;
      if (due) canary.cells_seen = std::popcount(seen_cells);
      if (due && judge.fails(seen(canary), seen(other), share < 1)) return {Outcome::By::gate, all};
    }
  }
  return {Outcome::By::nothing, all};
}

// The part of `rollouts` that is stopped although the canary is what stable is.
double stopped_of(const Kind& kind, const Plan& plan, const Way& way, std::uint64_t rollouts,
                  std::uint64_t seed) {
  std::uint64_t by_gates = 0, by_fast_fail = 0;
  for (std::uint64_t i = 0; i < rollouts; ++i) {
    const auto by = rollout(kind, plan, way, seed + i).by;
    by_gates += by == Outcome::By::gate;
    by_fast_fail += by == Outcome::By::fast_fail;
  }
  const double part = static_cast<double>(by_gates + by_fast_fail) / static_cast<double>(rollouts);
  std::cout << "  " << way.name << ": " << by_gates << " by a gate, " << by_fast_fail << " by fast fail, of "
            << rollouts << " healthy rollouts, " << 100 * part << " %, seeds from " << seed << "\n";
  return part;
}

void expect_few_stopped(const Kind& kind, std::uint64_t seed, const Plan& plan = {}, double most = 0.01) {
  for (const Way& way : kWays) {
    const double part = stopped_of(kind, plan, way, rollouts_of(way.by_users ? 200 : 60), seed);
    if (way.by_users) {
      EXPECT_LE(part, most) << way.name;
    }
  }
}

// An absolute limit is broken by an outage whoever is to blame.
Plan comparing() {
  Plan plan;
  plan.gates = {limit("error_rate", {}, 0.01), limit("p95", 0.5, {}), limit("p95", {}, 0.02)};
  return plan;
}

constexpr Kind kOrdinary{
    .alike = 0.05, .always_failing = 0.003, .slow_users = 0.3, .bursts = true, .outages = true};

TEST(UsersSimulation, G5IndependentUsersOfOneSizeAsBefore) {
  expect_few_stopped({.pareto = 0, .alike = 0, .session = 1}, 20'000'000);
}

TEST(UsersSimulation, G5BurstsAndSharedOutages) {
  expect_few_stopped({.pareto = 0, .alike = 0, .bursts = true, .outages = true}, 21'000'000, comparing());
}

TEST(UsersSimulation, G5HeavyTailedUsersOfWhomSomeAlwaysFail) {
  expect_few_stopped({.alike = 0, .always_failing = 0.005}, 22'000'000);
}

TEST(UsersSimulation, G5UsersWithErrorRatesAndLatenciesOfTheirOwn) {
  expect_few_stopped({.alike = 0.2, .slow_users = 0.5}, 23'000'000);
}

TEST(UsersSimulation, G5AllOfItTogether) {
  expect_few_stopped(kOrdinary, 24'000'000, comparing());
  std::cout << "  with an absolute limit of 5 % besides, which the outages break for both:\n";
  stopped_of(kOrdinary, {}, kWays.back(), rollouts_of(60), 24'000'000);
}

// Harsher than what is promised for: four of four hundred users always fail and ask again, and one may make a
// tenth of all requests.
TEST(UsersSimulation, FewUsersAndVeryUnequal) {
  const Kind kind{.users = 400, .pareto = 1.1, .alike = 0.1, .always_failing = 0.01, .bursts = true};
  expect_few_stopped(kind, 25'000'000, {}, 0.02);
}

// The power that is left. In one long step, so that only the canary's answers count.
void tell_power(const char* what, const Kind& kind, double worse, std::uint64_t seed, double most_never) {
  std::cout << "  " << what << ", " << 100 * worse << " % more errors at 5 % share:\n";
  for (const Way& way : kWays) {
    std::vector<std::uint64_t> found;
    Plan plan{.shares = {0.05}, .answers = 20'000, .every = 25, .worse = worse};
    plan.gates = {limit("error_rate", {}, 0.01)};
    std::uint64_t never = 0;
    const auto rollouts = rollouts_of(40);
    for (std::uint64_t i = 0; i < rollouts; ++i) {
      const Outcome outcome = rollout(kind, plan, way, seed + i);
      never += outcome.by == Outcome::By::nothing;
      found.push_back(outcome.after);
    }
    std::ranges::sort(found);
    std::cout << "    " << way.name << ": median " << found[rollouts / 2] << ", 90 % within "
              << found[rollouts * 9 / 10] << " answers of the canary, never found " << never << " of "
              << rollouts << "\n";
    EXPECT_LE(static_cast<double>(never), most_never * static_cast<double>(rollouts)) << way.name;
  }
}

TEST(UsersSimulation, G2AWorseCanaryIsStillFound) {
  tell_power("independent users", {.pareto = 0, .alike = 0, .session = 1}, 0.05, 30'000'000, 0);
  tell_power("all of it together", kOrdinary, 0.05, 31'000'000, 0.4);
  tell_power("all of it together", kOrdinary, 0.15, 32'000'000, 0.05);
}

}  // namespace
}  // namespace sluice::rollout
