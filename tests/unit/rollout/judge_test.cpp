// G2-G5, G7, G8: what a gate's limit makes of what was counted.
#include "control/rollout/judge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <limits>

#include "support/readings.hpp"

namespace sluice::rollout {
namespace {

config::GateSpec gate(std::string metric, std::optional<double> max, std::optional<double> increase = {}) {
  config::GateSpec spec;
  spec.metric = std::move(metric);
  spec.max = max;
  spec.max_increase = increase;
  spec.against_stable = increase.has_value();
  return spec;
}

// Of one limit, in a step that began with nothing counted.
Judgement judged(const config::GateSpec& spec, const Reading& canary, const Reading& stable = {}) {
  Judge judge({spec}, 1);
  judge.begin({}, {});
  auto judgements = judge.look(canary, stable);
  EXPECT_EQ(judgements.size(), 1u);
  EXPECT_EQ(judge.fails(canary, stable), judgements[0].verdict == Verdict::fail);
  return judgements[0];
}

TEST(JudgeRate, NoDataIsInsufficient) {  // G3
  const Judgement one = judged(gate("error_rate", 0.05), {});
  EXPECT_EQ(one.verdict, Verdict::insufficient);
  EXPECT_FALSE(one.value);
  EXPECT_EQ(one.why, "the canary has answered nothing yet");
}

TEST(JudgeRate, OneErrorInTwentyProvesNothingAndIsPassedLater) {  // G5
  EXPECT_EQ(judged(gate("error_rate", 0.01), answered(20, 1)).verdict, Verdict::insufficient);
  EXPECT_EQ(judged(gate("error_rate", 0.05), answered(20, 1)).verdict, Verdict::insufficient);
  EXPECT_EQ(judged(gate("error_rate", 0.05), answered(150, 1)).verdict, Verdict::pass);
  EXPECT_EQ(judged(gate("error_rate", 0.01), answered(900, 1)).verdict, Verdict::pass);
}

TEST(JudgeRate, WithoutAnyErrorAHundredRequestsAreEnoughForFivePercent) {
  EXPECT_EQ(judged(gate("error_rate", 0.05), answered(50, 0)).verdict, Verdict::insufficient);
  EXPECT_EQ(judged(gate("error_rate", 0.05), answered(100, 0)).verdict, Verdict::pass);
}

TEST(JudgeRate, VerdictBoundsAndSentenceSayTheSame) {
  const Judgement bad = judged(gate("error_rate", 0.05), answered(500, 60));
  EXPECT_EQ(bad.verdict, Verdict::fail);
  EXPECT_DOUBLE_EQ(*bad.value, 0.12);
  EXPECT_GT(*bad.lower, 0.05);
  EXPECT_EQ(bad.n_canary, 500u);
  EXPECT_TRUE(bad.why.starts_with("the canary's error rate is 12 % (60 of 500 attempts), at least "))
      << bad.why;
  EXPECT_TRUE(bad.why.ends_with(" %, above the limit of 5 %")) << bad.why;
  const Judgement good = judged(gate("error_rate", 0.05), answered(500, 5));
  EXPECT_EQ(good.verdict, Verdict::pass);
  EXPECT_LT(*good.upper, 0.05);
}

TEST(JudgeRate, WarnsWithoutFailing) {
  auto spec = gate("error_rate", 0.05);
  spec.warn = 0.01;
  const Judgement one = judged(spec, answered(2'000, 60));
  EXPECT_TRUE(one.warn);
  EXPECT_EQ(one.verdict, Verdict::pass);
  EXPECT_FALSE(judged(spec, answered(2'000, 20)).warn);
}

TEST(JudgeRate, LimitsAtTheEnds) {
  EXPECT_EQ(judged(gate("error_rate", 0.0), answered(1'000, 0)).verdict, Verdict::insufficient);
  EXPECT_EQ(judged(gate("error_rate", 0.0), answered(1'000, 1)).verdict, Verdict::fail);
  EXPECT_EQ(judged(gate("error_rate", 1.0), answered(1'000, 999)).verdict, Verdict::pass);
  EXPECT_EQ(judged(gate("error_rate", 1.0), answered(1'000, 1'000)).verdict, Verdict::insufficient);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(judged(gate("error_rate", nan), answered(1'000, 1'000)).verdict, Verdict::insufficient);
}

TEST(JudgeRate, HugeCounts) {
  constexpr std::uint64_t kMany = 1'000'000'000'000;
  EXPECT_EQ(judged(gate("error_rate", 0.05), answered(kMany, kMany / 25)).verdict, Verdict::pass);
  EXPECT_EQ(judged(gate("error_rate", 0.05), answered(kMany, kMany / 15)).verdict, Verdict::fail);
}

TEST(JudgeAgainstStable, WithoutStableTrafficIsInsufficient) {  // G3
  const Judgement one = judged(gate("error_rate", {}, 0.01), answered(1'000, 500));
  EXPECT_EQ(one.verdict, Verdict::insufficient);
  EXPECT_EQ(one.why, "the stable pool has answered nothing to compare with");
  EXPECT_EQ(judged(gate("p95", {}, 0.01), answered(1'000, 0, 900'000)).verdict, Verdict::insufficient);
}

TEST(JudgeAgainstStable, AsBadAsStableIsGoodEnough) {
  const auto spec = gate("error_rate", {}, 0.01);
  EXPECT_EQ(judged(spec, answered(6'000, 180), answered(114'000, 3'420)).verdict, Verdict::pass);
  const Judgement worse = judged(spec, answered(1'000, 60), answered(19'000, 190));
  EXPECT_EQ(worse.verdict, Verdict::fail);
  EXPECT_NEAR(*worse.value, 0.05, 1e-9);
  EXPECT_GT(*worse.lower, 0.01);
  EXPECT_EQ(worse.n_stable, 19'000u);
}

TEST(JudgeQuantile, IsTheOrderStatisticsBound) {
  const auto spec = gate("p95", 0.5);
  Reading canary = answered(380, 0, 100'000);
  answer(canary, 20, 0, 700'000);  // exactly one in twenty is slower: no proof either way
  EXPECT_EQ(judged(spec, canary).verdict, Verdict::insufficient);
  answer(canary, 40, 0, 700'000);
  const Judgement slow = judged(spec, canary);
  EXPECT_EQ(slow.verdict, Verdict::fail);
  EXPECT_GE(*slow.lower, 0.5);
  answer(canary, 4'000, 0, 100'000);
  const Judgement fast = judged(spec, canary);
  EXPECT_EQ(fast.verdict, Verdict::pass);
  EXPECT_NEAR(*fast.upper, 0.1, 0.002);
}

TEST(JudgeQuantile, ACanaryThreeTimesAsSlowAsStableIsFoundWithinTwenty) {
  const auto spec = gate("p95", {}, 0.02);
  const Reading stable = answered(400, 0, 50'000);
  EXPECT_EQ(judged(spec, answered(20, 0, 150'000), stable).verdict, Verdict::fail);
  EXPECT_EQ(judged(spec, answered(400, 0, 52'000), stable).verdict, Verdict::pass);
  EXPECT_EQ(judged(spec, answered(3, 0, 150'000), stable).verdict, Verdict::insufficient);
}

TEST(JudgeGates, EveryLimitIsJudged) {
  auto external = gate("saturation", 0.8);
  Judge judge({gate("error_rate", 0.05, 0.01), external, gate("p99", 1.0)}, 4);
  judge.begin({}, {});
  const auto judgements = judge.look(answered(2'000, 0), answered(2'000, 0));
  ASSERT_EQ(judgements.size(), 3u);
  EXPECT_EQ(judgements[0].gate, "error_rate max 5 %");
  EXPECT_EQ(judgements[1].gate, "error_rate against stable max_increase 1 %");
  EXPECT_EQ(judgements[2].gate, "p99 max 1 s");
  const auto has = [](const std::vector<Judgement>& all, Verdict verdict) {
    return std::any_of(all.begin(), all.end(), [&](const Judgement& one) { return one.verdict == verdict; });
  };
  EXPECT_FALSE(has(judgements, Verdict::fail) || has(judgements, Verdict::insufficient));
  EXPECT_TRUE(has(judge.look(answered(2'000, 500), answered(2'000, 0)), Verdict::fail));
}

TEST(JudgeGates, AtAHundredPercentNothingIsComparedWithStable) {
  Judge judge({gate("error_rate", 0.05, 0.01)}, 4);
  judge.begin({}, {});
  const auto judgements = judge.look(answered(2'000, 0), {}, false);
  ASSERT_EQ(judgements.size(), 1u);
  EXPECT_EQ(judgements[0].verdict, Verdict::pass);
  EXPECT_FALSE(judge.fails(answered(2'000, 0), {}, false));
}

TEST(JudgeSteps, AStepBeginsWithNothing) {  // G7
  Judge judge({gate("error_rate", 0.05)}, 2);
  const Reading before = answered(10'000, 5'000);
  judge.begin(before, {});
  EXPECT_EQ(judge.look(before, {})[0].verdict, Verdict::insufficient);
  Reading after = before;
  answer(after, 200, 0);
  EXPECT_EQ(judge.look(after, {})[0].verdict, Verdict::pass);
  EXPECT_EQ(judge.canary(), (Tally{200, 0}));
}

TEST(JudgeSteps, CountersThatWentBackwardsAreNoEvidence) {
  Judge judge({gate("error_rate", 0.05)}, 2);
  judge.begin(answered(10'000, 0), answered(90'000, 0));
  EXPECT_EQ(judge.look(answered(200, 0), answered(95'000, 0))[0].n_canary, 0u);
  EXPECT_EQ(judge.look(answered(400, 0), answered(95'100, 0))[0].verdict, Verdict::pass);
  EXPECT_EQ(judge.stable(), (Tally{100, 0}));
  EXPECT_EQ(judge.look(answered(800, 0), answered(5, 0))[0].n_canary, 0u);
}

TEST(JudgeSteps, ACanaryThatTurnsBadLateIsFoundByItsLastPart) {
  Judge judge({gate("error_rate", 0.05)}, 4);
  judge.begin({}, {});
  Reading canary;
  for (int i = 0; i < 1'000; ++i) {
    answer(canary, 100, 0);
    ASSERT_FALSE(judge.fails(canary, {}));
  }
  int looks = 0;
  for (; !judge.fails(canary, {}) && looks < 100; ++looks) answer(canary, 100, 20);
  EXPECT_LE(looks, 6);  // the whole of it would need 250
  const Judgement one = judge.look(canary, {})[0];
  EXPECT_EQ(one.verdict, Verdict::fail);
  EXPECT_LT(one.n_canary, 2'000u);
  EXPECT_TRUE(one.why.ends_with(", in the last part of the step")) << one.why;
}

TEST(WindowStarts, AreOfEveryLengthAndFew) {
  WindowStarts starts;
  const Reading began;
  for (std::uint64_t n = 0; n <= 10'000; ++n) starts.record(began, answered(n * WindowStarts::kApart, 0), {});
  EXPECT_LT(starts.all().size(), 60u);
  EXPECT_EQ(starts.all().back().number, 10'000u);
  for (std::uint64_t age = 1; age <= 4'096; age *= 2) {  // one about as old as this is there
    EXPECT_TRUE(std::ranges::any_of(starts.all(), [age](const WindowStarts::Start& start) {
      const std::uint64_t its = 10'000 - start.number;
      return its >= age && its <= 3 * age;
    })) << age;
  }
  double parts = 0;
  for (std::uint64_t j = 1; j <= 10'000; ++j) parts += WindowStarts::Start{j, {}, {}}.part();
  EXPECT_LE(parts, 1);
}

TEST(JudgeExternal, AQueryThatAnswersNothingIsInsufficient) {  // G3
  auto spec = gate("", 5.0);
  spec.prometheus = "http://127.0.0.1:9090";
  spec.query = "rate";
  EXPECT_EQ(judge_query(spec, {.value = 4.0}).verdict, Verdict::pass);
  EXPECT_EQ(judge_query(spec, {.value = 6.0}).verdict, Verdict::fail);
  EXPECT_EQ(judge_query(spec, {.value = std::numeric_limits<double>::infinity()}).verdict, Verdict::fail);
  EXPECT_EQ(judge_query(spec, {.value = std::nan("")}).verdict, Verdict::insufficient);
  EXPECT_EQ(judge_query(spec, {.empty = true}).verdict, Verdict::insufficient);
  const Judgement down = judge_query(spec, {.problem = "connection refused"});
  EXPECT_EQ(down.verdict, Verdict::insufficient);
  EXPECT_EQ(down.why, "the query got no answer: connection refused");
  spec.on_empty = "fail";
  EXPECT_EQ(judge_query(spec, {.empty = true}).verdict, Verdict::fail);
  EXPECT_EQ(judge_query(spec, {.problem = "timeout"}).verdict, Verdict::insufficient);
  EXPECT_EQ(judge_query(spec, {.value = std::nan("")}).verdict, Verdict::insufficient);
}

TEST(JudgeExternal, AHookThatDoesNotAnswerIsInsufficient) {  // G3
  config::GateSpec spec;
  spec.exec = "./verify";
  EXPECT_EQ(judge_hook(spec, HookAnswer::agreed, "").verdict, Verdict::pass);
  EXPECT_EQ(judge_hook(spec, HookAnswer::refused, "exit code 1").verdict, Verdict::fail);
  const Judgement none = judge_hook(spec, HookAnswer::none, "no end after 1 min");
  EXPECT_EQ(none.verdict, Verdict::insufficient);
  EXPECT_EQ(none.gate, "exec ./verify");
  EXPECT_EQ(none.why, "it gave no answer: no end after 1 min");
}

TEST(JudgeExternal, Saturation) {
  auto spec = gate("saturation", 0.8);
  spec.warn = 0.5;
  EXPECT_EQ(judge_saturation(spec, 90, 100).verdict, Verdict::fail);
  EXPECT_EQ(judge_saturation(spec, 80, 100).verdict, Verdict::pass);
  EXPECT_TRUE(judge_saturation(spec, 60, 100).warn);
  EXPECT_EQ(judge_saturation(spec, {}, 100).verdict, Verdict::insufficient);
  EXPECT_EQ(judge_saturation(spec, 10, 0).verdict, Verdict::insufficient);
}

TEST(Judgement, IsOneLineOfJson) {  // G8
  const auto line = boost::json::serialize(to_json(judged(gate("error_rate", 0.05), answered(100, 50))));
  EXPECT_EQ(line.find('\n'), std::string::npos);
  for (const char* field : {"\"gate\":\"error_rate max 5 %\"", "\"verdict\":\"fail\"", "\"n_canary\":100",
                            "\"stable\":null", "\"lower\":", "\"limit\":5E-2", "\"why\":\"the canary's"})
    EXPECT_NE(line.find(field), std::string::npos) << field << "\n" << line;
}

TEST(Figures, AsPeopleReadThem) {
  EXPECT_EQ(percent(0.0125), "1.25 %");
  EXPECT_EQ(seconds(1.5), "1.5 s");
  EXPECT_EQ(seconds(0.25), "250 ms");
  EXPECT_EQ(seconds(0.00034), "340 us");
  EXPECT_EQ(seconds(0), "0 ms");
  EXPECT_EQ(count(1, "request"), "1 request");
  EXPECT_EQ(count(2, "request"), "2 requests");
  EXPECT_DOUBLE_EQ(quantile_of("p95").value(), 0.95);
  EXPECT_DOUBLE_EQ(quantile_of("p999").value(), 0.999);
  EXPECT_FALSE(quantile_of("p"));
  EXPECT_FALSE(quantile_of("p00"));
  EXPECT_FALSE(quantile_of("p9x"));
  EXPECT_FALSE(quantile_of("error_rate"));
}

}  // namespace
}  // namespace sluice::rollout
