#include "control/rehearse/rehearsal.hpp"

#include <gtest/gtest.h>

#include "control/rehearse/replay.hpp"
#include "proxy/observe/histogram.hpp"
#include "unit/rollout/rollouts.hpp"

namespace sluice::rehearse {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

config::PlanSpec plan(double max_errors = 0.05) {
  auto made = rollout::plan_of_steps({10'000, 50'000, kWhole}, std::chrono::seconds(20));
  config::GateSpec gate;
  gate.metric = "error_rate";
  gate.max = max_errors;
  made.gates = {gate};
  return made;
}

// So many seconds of so many requests each; one in `one_in` of a pool's is an error.
struct Made : LogBook {
  Made(int seconds, int rate, std::vector<std::pair<std::string, int>> pools_and_one_in,
       int canary_part = 10) {
    clients = route::kSlots;
    for (auto& [name, one_in] : pools_and_one_in) pools.push_back({name, 0, 0, 0});
    for (std::int64_t i = 0; i < std::int64_t{seconds} * rate; ++i) {
      Seen seen;
      seen.ended_micros = i * kSecond / rate;
      seen.pool = static_cast<std::uint8_t>(pools.size() > 1 && i % canary_part == 0);
      seen.slot = static_cast<std::uint32_t>((i * 7919) % route::kSlots);
      seen.bucket = static_cast<std::uint16_t>(observe::HistogramLayout::index(20'000));
      seen.safe = true;
      auto& pool = pools[seen.pool];
      const int one_in = pools_and_one_in[seen.pool].second;
      seen.error = one_in > 0 && pool.requests % static_cast<std::uint64_t>(one_in) == 0;
      ++pool.requests, ++pool.counted, pool.errors += seen.error;
      requests.push_back(seen);
    }
  }
};

Rehearsal rehearsed(const LogBook& log, config::PlanSpec of, Fault fault = {}, double rate = 0,
                    double seconds = 0, std::uint64_t seed = 1) {
  Traffic traffic{log, 0, log.pools.size() > 1 ? std::optional<std::size_t>(1) : std::nullopt, fault, seed};
  Rehearsal rehearsal({"api", "blue", "green", std::move(of), {log.pools[0].counted, log.pools[0].errors}});
  EXPECT_FALSE(rehearsal.begin(0));
  if (rate > 0)
    draw_out(traffic, rate, seconds, rehearsal);
  else
    replay(traffic, rehearsal);
  return rehearsal;
}

TEST(Rehearsal, a_good_canary_goes_through_when_its_holds_are_over) {
  const auto done = rehearsed(Made(120, 100, {{"blue", 0}}), plan());
  ASSERT_EQ(done.steps().size(), 3u);
  for (const auto& step : done.steps()) EXPECT_EQ(step.end, StepTold::End::passed) << step.why;
  EXPECT_DOUBLE_EQ(done.steps()[0].ended, 20);
  EXPECT_DOUBLE_EQ(done.steps()[2].ended, 60);
  EXPECT_NEAR(static_cast<double>(done.steps()[0].canary.n), 200, 20) << "by the slots of its clients";
  EXPECT_NEAR(static_cast<double>(done.steps()[1].canary.n), 1000, 30);
  EXPECT_EQ(done.steps()[2].stable.n, 0u);
}

TEST(Rehearsal, G5_a_bad_one_goes_back_and_says_by_which_gate) {
  const auto done = rehearsed(Made(120, 100, {{"blue", 0}}), plan(), {0.2, 1});
  const auto& last = done.steps().back();
  EXPECT_EQ(last.end, StepTold::End::went_back);
  EXPECT_NE(last.why.find("error_rate max 5 %"), std::string::npos) << last.why;
  EXPECT_GT(last.canary.k, 3u);
  EXPECT_LT(last.ended, 20);
}

TEST(Rehearsal, G6_one_that_fails_everything_goes_back_after_a_handful) {
  const auto done = rehearsed(Made(60, 100, {{"blue", 0}}), plan(), {1.0, 1});
  EXPECT_EQ(done.steps().back().end, StepTold::End::went_back);
  EXPECT_LE(done.steps().back().canary.n, 10u);
  EXPECT_NE(done.steps().back().why.find("fast fail"), std::string::npos);
}

TEST(Rehearsal, a_log_of_both_pools_is_as_it_was) {
  const Made log(20, 100, {{"blue", 0}, {"green", 4}});
  auto of = plan();
  const auto done = rehearsed(log, of);
  const auto& last = done.steps().back();
  EXPECT_EQ(last.end, StepTold::End::went_back);
  EXPECT_EQ(last.step, 1u);
  EXPECT_NEAR(static_cast<double>(last.canary.n) * 10, static_cast<double>(last.requests), 10);
  EXPECT_NEAR(static_cast<double>(last.canary.k), static_cast<double>(last.canary.n) / 4, 1)
      << "its own answers";
}

TEST(Rehearsal, where_the_share_asks_for_more_its_answers_are_drawn) {
  const auto done = rehearsed(Made(120, 100, {{"blue", 0}, {"green", 50}}), plan(0.10));
  ASSERT_EQ(done.steps().back().end, StepTold::End::passed) << done.steps().back().why;
  const auto& second = done.steps()[1];
  EXPECT_NEAR(static_cast<double>(second.canary.n), 1000, 70);
  EXPECT_NEAR(static_cast<double>(second.canary.k), 20, 15) << "2 %, as the log's canary";
}

TEST(Rehearsal, latencies_count_and_can_be_made_longer) {
  auto of = plan();
  config::GateSpec gate;
  gate.metric = "p95";
  gate.max = 0.025;
  of.gates = {gate};
  EXPECT_EQ(rehearsed(Made(120, 100, {{"blue", 0}}), of).steps().back().end, StepTold::End::passed);
  const auto slow = rehearsed(Made(120, 100, {{"blue", 0}}), of, {{}, 1.4});
  EXPECT_EQ(slow.steps().back().end, StepTold::End::went_back);
  EXPECT_NE(slow.steps().back().why.find("p95"), std::string::npos);
}

TEST(Rehearsal, a_log_that_ends_says_what_it_waits_for) {
  const auto done = rehearsed(Made(30, 100, {{"blue", 0}}), plan());
  ASSERT_EQ(done.steps().size(), 2u);
  EXPECT_EQ(done.steps()[1].end, StepTold::End::log_ended);
  EXPECT_NE(done.steps()[1].why.find("holding"), std::string::npos) << done.steps()[1].why;
}

TEST(Rehearsal, drawn_out_to_a_rate_it_is_the_same_mixture_and_the_same_for_a_seed) {
  const Made log(60, 50, {{"blue", 100}});
  const auto done = rehearsed(log, plan(), {}, 1000, 100);
  ASSERT_EQ(done.steps().size(), 3u) << done.steps().back().why;
  const auto& second = done.steps()[1];
  EXPECT_NEAR(static_cast<double>(second.canary.n + second.stable.n), 20'000, 100);
  EXPECT_NEAR(static_cast<double>(second.canary.n), 10'000, 60);
  EXPECT_NEAR(second.stable.rate(), 0.01, 0.004);
  const auto bad = rehearsed(log, plan(), {0.08, 1}, 1000, 100, 5);
  EXPECT_EQ(bad.steps().back().end, StepTold::End::went_back);
  EXPECT_EQ(bad.steps().back().canary, rehearsed(log, plan(), {0.08, 1}, 1000, 100, 5).steps().back().canary);
}

TEST(Rehearsal, copies_of_a_step_without_a_share_are_judged) {
  auto of = plan();
  of.steps.front() = {0, std::chrono::seconds(20), false, 20'000, {}};
  const auto done = rehearsed(Made(60, 100, {{"blue", 0}}), of, {0.4, 1});
  EXPECT_EQ(done.steps().back().end, StepTold::End::went_back);
  EXPECT_EQ(done.steps().back().step, 1u);
  EXPECT_GT(done.steps().back().stable.n, 4 * done.steps().back().canary.n - 60);
}

TEST(Rehearsal, what_cannot_be_rehearsed_is_said) {
  auto of = plan();
  of.gates.emplace_back().exec = "./verify.sh";
  of.steps[1].approve = true;
  of.verify.emplace_back();
  of.equal_control = true;
  EXPECT_EQ(leave_out(of).size(), 4u);
  EXPECT_EQ(of.gates.size(), 1u);
  EXPECT_FALSE(of.steps[1].approve);
  EXPECT_FALSE(of.equal_control);
}

TEST(Rehearsal, faults_are_read) {
  EXPECT_DOUBLE_EQ(*parse_fault("errors=3%,p95=x1.4")->errors, 0.03);
  EXPECT_DOUBLE_EQ(parse_fault("p95=x1.4")->slower, 1.4);
  for (const char* text : {"", "errors", "errors=x", "p95=1.4", "p95=x0", "p95=x1.4y", "errors=3%,"})
    EXPECT_FALSE(parse_fault(text)) << text;
}

}  // namespace
}  // namespace sluice::rehearse
