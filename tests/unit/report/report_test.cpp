#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "control/report/document.hpp"
#include "control/report/witness.hpp"

namespace sluice::report {
namespace {

using state::Rollout;
using state::RolloutPhase;

constexpr std::int64_t kStart = 1'764'338'400'000;  // 2025-11-28T14:00:00Z

Rollout two_steps() {
  Rollout rollout;
  rollout.id = 7;
  rollout.from = "blue", rollout.to = "green";
  rollout.group = {"api"};
  rollout.plan.name = "careful";
  config::StepSpec five, all;
  five.share = 5'000, five.hold = std::chrono::minutes(10);
  all.share = kWhole;
  rollout.plan.steps = {five, all};
  rollout.phase = RolloutPhase::running;
  rollout.started = rollout.step_began = kStart;
  rollout.started_by = "alice";
  rollout.before = {{"blue", kWhole}};
  rollout.log_change(kStart, "started by alice");
  return rollout;
}

rollout::Judgement judgement(rollout::Verdict verdict, double value, double lower, double upper) {
  rollout::Judgement one;
  one.gate = "error_rate max 5 %";
  one.verdict = verdict;
  one.n_canary = 100;
  one.value = value, one.lower = lower, one.upper = upper, one.limit = 0.05;
  one.unit = "rate";
  one.why = "12 of 100 requests failed, at least 7 %, above the limit of 5 %";
  return one;
}

Look at(std::int64_t time, std::uint64_t canary, std::uint64_t errors, std::uint64_t rescued,
        std::uint64_t stable) {
  return {time, {canary, errors, rescued}, {stable, 0, 0}, canary + stable, nullptr};
}

Change change(std::uint64_t generation, std::int64_t time, const std::string& verb,
              const std::string& reason) {
  Change one;
  one.generation = generation;
  one.audit = generation;
  one.time = time;
  one.actor = "alice";
  one.verb = verb;
  one.before = "api blue=100%";
  one.after = "api blue=95% green=5%";
  one.reason = reason;
  one.took_ms = 2.5;
  return one;
}

// A rollout whose canary fails after a minute.
struct ReportTest : ::testing::Test {
  Rollout rollout = two_steps();
  Witness witness{Witness::begun("api", "header:X-User-Id", rollout)};

  ReportTest() {
    witness.change(rollout, change(7, kStart, "rollout start", "INC-12"));
    witness.look(rollout, at(kStart, 1000, 10, 0, 50'000));
    const std::vector judged{judgement(rollout::Verdict::fail, 0.12, 0.07, 0.2)};
    Look last = at(kStart + 60'000, 1100, 22, 9, 51'900);
    last.judgements = &judged;
    witness.look(rollout, last);
    rollout.end(RolloutPhase::rolled_back, kStart + 60'500, "error_rate max 5 %: 12 of 100 requests failed");
    witness.change(
        rollout, change(8, kStart + 60'500, "rollout back", "error_rate max 5 %: 12 of 100 requests failed"));
  }
  Summary summary() const { return summary_of(witness.story(), rollout, kStart + 90'000); }
};

TEST_F(ReportTest, CountsAStepFromItsFirstLookOn) {
  const auto& steps = witness.story().steps;
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].canary, (Counted{100, 12, 9}));
  EXPECT_EQ(steps[0].stable.requests, 1900u);
  EXPECT_EQ(steps[0].all, 2000u);
  EXPECT_EQ(steps[0].ended, kStart + 60'500);
  EXPECT_EQ(steps[0].left_by, "rollout back");
  EXPECT_EQ(steps[0].share, 5'000u);
}

// What failed before the first look is of the step as well: a canary may be stopped after ten requests.
TEST_F(ReportTest, CountsFromTheMomentBeforeAStepIsInForceToTheEnd) {
  Rollout active = two_steps();
  Witness one(Witness::begun("api", "", active));
  one.expect(active, at(kStart, 0, 0, 0, 1000));
  one.change(active, change(7, kStart, "rollout start", ""));
  one.look(active, at(kStart + 20, 10, 10, 10, 1200));
  Rollout second = active;
  second.step = 1, second.step_began = kStart + 1'000;
  one.expect(second, at(kStart + 900, 15, 11, 10, 1300));
  one.change(second, change(8, kStart + 1'000, "rollout step", "passed"));
  one.look(second, at(kStart + 1'050, 40, 11, 10, 1300));
  one.settle(at(kStart + 2'000, 50, 13, 12, 1301));
  second.end(RolloutPhase::rolled_back, kStart + 2'000, "x");
  one.change(second, change(9, kStart + 2'000, "rollout back", "x"));
  const auto& steps = one.story().steps;
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].canary, (Counted{15, 11, 10}));
  EXPECT_EQ(steps[0].stable.requests, 300u);
  EXPECT_EQ(steps[1].canary, (Counted{35, 2, 2}));
  EXPECT_EQ(steps[1].all, 36u);
  EXPECT_EQ(steps[0].decision, "passed");
}

TEST_F(ReportTest, AStepKeepsWhyItWasLeftAlsoWhenALookCameFirst) {
  Rollout active = two_steps();
  Witness one(Witness::begun("api", "", active));
  one.change(active, change(7, kStart, "rollout start", ""));
  Rollout second = active;
  second.step = 1, second.step_began = kStart + 1'000;
  one.look(second, at(kStart + 1'001, 1, 0, 0, 9));
  one.change(second, change(8, kStart + 1'000, "rollout promote", "go"));
  ASSERT_EQ(one.story().steps.size(), 2u);
  EXPECT_EQ(one.story().steps[0].left_by, "rollout promote");
  EXPECT_EQ(one.story().steps[0].decision, "go");
  EXPECT_EQ(one.story().steps[1].left_by, "");
}

TEST_F(ReportTest, AnotherProcessAddsToWhatWasCounted) {
  Rollout active = two_steps();
  Witness before(Witness::begun("api", "", active));
  before.look(active, at(kStart, 0, 0, 0, 0));
  before.look(active, at(kStart + 5'000, 10, 1, 0, 90));
  Witness after(*story_in(to_text(before.story())));
  after.look(active, at(kStart + 10'000, 3, 0, 0, 7));
  after.look(active, at(kStart + 15'000, 8, 2, 1, 27));
  EXPECT_EQ(after.story().steps.front().canary, (Counted{15, 3, 1}));
  EXPECT_EQ(after.story().steps.front().all, 125u);
}

TEST_F(ReportTest, AnswersWhatSomebodyWhoWasNotThereAsks) {
  const auto said = summary();
  EXPECT_EQ(said.headline, "api: green went back to blue at step 1 of 2 (5 %)");
  EXPECT_EQ(
      said.what_broke,
      "Gate 'error_rate max 5 %' failed: 12 of 100 requests failed, at least 7 %, above the limit of 5 %.");
  EXPECT_EQ(said.whom_it_hit,
            "Up to 5 % of the users (told apart by header:X-User-Id) were sent to green, with 100 requests. "
            "12 of these "
            "failed there, another pool answered 9 of them instead, and clients saw 3 errors.");
  EXPECT_EQ(said.why_back, "A gate that fails takes everything back at once, without asking.");
  EXPECT_EQ(
      said.exposure,
      "Users were exposed to green for 1 min 1 s, from 2025-11-28 14:00:00 UTC to 2025-11-28 14:01:00 UTC.");
  EXPECT_EQ(
      said.way_back,
      "The way back took 3 ms, from the decision until the last worker sent nothing to green any more.");
  EXPECT_EQ(said.seen_by_clients, 3u);
}

TEST_F(ReportTest, OneThatIsThroughAndOneThatWasTakenBackLater) {
  Rollout done = two_steps();
  Witness one(Witness::begun("api", "", done));
  one.change(done, change(7, kStart, "rollout start", ""));
  done.end(RolloutPhase::done, kStart + 1'000, "all passed");
  one.change(done, change(8, kStart + 1'000, "rollout done", "all passed"));
  EXPECT_EQ(summary_of(one.story(), done, kStart).headline, "api: green has all requests of blue");
  EXPECT_EQ(summary_of(one.story(), done, kStart).outcome, "is through");
  EXPECT_EQ(summary_of(one.story(), done, kStart).way_back, "");
  one.change(done, change(9, kStart + 60'000, "rollback", "INC-13"));
  const auto said = summary_of(one.story(), done, kStart + 90'000);
  EXPECT_EQ(said.outcome, "was taken back later");
  EXPECT_EQ(said.why_back, "It was taken back at 2025-11-28 14:01:00 UTC by alice with rollback: INC-13.");
}

TEST_F(ReportTest, MarkdownHasEachPartAndNoMarkOfStrangers) {
  auto story = witness.story();
  story.changes.front().reason = "a | b * <script>";
  const auto text = to_markdown(document_of(story, rollout, summary(), kStart + 90'000));
  for (const char* part :
       {"# api: green went back", "**What broke?**", "**Whom did it hit?**", "## Steps", "## Gates",
        "## Decisions", "## Who changed what", "a \\| b \\* \\<script>", "| 1 | 5 % | 5 % |"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST_F(ReportTest, HtmlIsOneFileWithPlotsAndWithoutAScript) {
  auto story = witness.story();
  story.changes.front().reason = "<script>alert(1)</script>";
  const auto text = to_html(document_of(story, rollout, summary(), kStart + 90'000));
  EXPECT_EQ(text.find("<script"), std::string::npos);
  EXPECT_NE(text.find("&lt;script&gt;"), std::string::npos);
  EXPECT_EQ(text.find("src="), std::string::npos);
  EXPECT_EQ(text.find("href="), std::string::npos);
  EXPECT_NE(text.find("<svg"), std::string::npos);
  EXPECT_NE(text.find("prefers-color-scheme:dark"), std::string::npos);
  EXPECT_NE(text.find("@media print"), std::string::npos);
  EXPECT_NE(text.find("limit 5 %"), std::string::npos);
}

TEST_F(ReportTest, JsonHasTheNumbers) {
  const auto said = boost::json::parse(json_of(witness.story(), rollout, summary()));
  EXPECT_EQ(said.at("summary").at("errors").as_int64(), 12);
  EXPECT_EQ(said.at("reason").as_string(), "INC-12");
  EXPECT_EQ(said.at("steps").at(0).at("began").as_string(), "2025-11-28T14:00:00.000Z");
  EXPECT_EQ(said.at("state").as_string(), "rolled_back");
}

TEST(Story, ReadsWhatItWrites) {
  const Story story = Witness::begun("api", "ip", two_steps());
  const auto back = story_in(to_text(story));
  ASSERT_TRUE(back);
  EXPECT_EQ(to_text(*back), to_text(story));
  EXPECT_TRUE(state::rollout_from_json(back->rollout));
  for (const char* bad : {"", "{}", "[1]", "{\"service\":\"api\"}", "{\"service\":1,\"id\":1}"})
    EXPECT_FALSE(story_in(bad)) << bad;
}

TEST(Story, StaysSmallHoweverLongItLasts) {
  Rollout rollout = two_steps();
  Witness witness(Witness::begun("api", "", rollout));
  std::vector<rollout::Judgement> judged;
  for (int gate = 0; gate < 40; ++gate) {
    judged.push_back(judgement(rollout::Verdict::pass, 0.01234567890123, 0.001234567890123, 0.0567890123));
    judged.back().gate += std::string(200, 'x') + std::to_string(gate);
  }
  for (std::int64_t second = 0; second < 20'000; second += 5) {
    Look look = at(kStart + second * 1000, static_cast<std::uint64_t>(second), 0, 0,
                   static_cast<std::uint64_t>(second) * 20);
    look.judgements = &judged;
    witness.look(rollout, look);
  }
  for (std::uint64_t i = 0; i < 300; ++i)
    witness.change(rollout, change(i + 7, kStart, "weight", std::string(500, 'y')));
  EXPECT_LE(to_text(witness.story()).size(), Story::kMostBytes);
  EXPECT_LE(witness.story().gates.size(), Story::kMostSeries);
  for (const auto& series : witness.story().gates) EXPECT_LE(series.points.size(), Series::kMostPoints);
  EXPECT_GT(witness.story().gates.front().points.size(), Series::kMostPoints / 3);
  EXPECT_EQ(witness.story().left_out, 200u);
}

TEST(Series, KeepsTheWholeTimeThinned) {
  Series series;
  for (std::int64_t i = 0; i < 10'000; ++i) series.add({i * 1000, 1.0, {}, {}});
  EXPECT_LE(series.points.size(), Series::kMostPoints);
  EXPECT_LE(series.points.front().time, 100'000);
  EXPECT_EQ(series.points.back().time, 9'999'000);
}

TEST(Texts, AreAsPeopleReadThem) {
  EXPECT_EQ(span_text(350), "350 ms");
  EXPECT_EQ(span_text(6'020), "6.0 s");
  EXPECT_EQ(span_text(75'000), "1 min 15 s");
  EXPECT_EQ(span_text(3 * 3600'000 + 120'000), "3 h 2 min");
  EXPECT_EQ(count_text(1'234'567, "request"), "1,234,567 requests");
  EXPECT_EQ(count_text(1, "request"), "1 request");
  EXPECT_EQ(share_text(2'500), "2.5 %");
}

}  // namespace
}  // namespace sluice::report
