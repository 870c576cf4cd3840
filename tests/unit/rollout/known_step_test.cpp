// G7 over an upgrade: a step goes on in another process with what the first one saw.
#include "control/rollout/known_step.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "support/readings.hpp"

namespace sluice::rollout {
namespace {

config::GateSpec at_most(double rate) {
  config::GateSpec gate;
  gate.metric = "error_rate";
  gate.max = rate;
  return gate;
}

KnownStep step_of(Judge::Seen seen) {
  KnownStep known;
  known.service = "api";
  known.rollout = 7;
  known.step = 2;
  known.step_began = 1'700'000'000'123;
  known.began = std::chrono::steady_clock::time_point(std::chrono::microseconds(5'000'001));
  known.seen = std::move(seen);
  return known;
}

std::optional<KnownStep> through_text(const KnownStep& known) {
  return known_step_from(boost::json::parse(boost::json::serialize(to_json(known))));
}

// Answers in five parts; after each the judge looks, so that fresh windows begin.
struct Counted {
  Reading canary = answered(1'000, 3), stable = answered(5'000, 10);  // before the step
  void more(Judge* judge) {
    answer(canary, 300, 2, 20'000);
    answer(stable, 900, 3);
    if (judge) judge->look(canary, stable);
  }
};

TEST(KnownStep, arrives_as_it_was) {
  Judge judge({at_most(0.05)}, 3);
  Counted counted;
  judge.begin(counted.canary, counted.stable);
  for (int i = 0; i < 5; ++i) counted.more(&judge);
  const auto sent = step_of(judge.seen(counted.canary, counted.stable));
  const auto came = through_text(sent);
  ASSERT_TRUE(came);
  EXPECT_EQ(came->service, "api");
  EXPECT_EQ(came->began, sent.began);
  EXPECT_EQ(came->seen.canary.attempts, 1'500u);
  EXPECT_EQ(came->seen.canary.errors, 10u);
  EXPECT_EQ(came->seen.canary.latency.count, 1'500u);
  EXPECT_EQ(came->seen.canary.latency.at_most(20'000), 1'500u);
  EXPECT_EQ(came->seen.canary.latency.at_most(10'000), 0u);
  EXPECT_EQ(came->seen.stable.attempts, 4'500u);
  EXPECT_EQ(came->seen.starts.all().size(), sent.seen.starts.all().size());
  EXPECT_EQ(came->seen.starts.last(), sent.seen.starts.last());
  EXPECT_GT(came->seen.starts.last(), 0u);
}

TEST(KnownStep, a_judge_that_goes_on_says_what_one_that_saw_all_says) {
  Judge one({at_most(0.02), at_most(0.05)}, 3), next({at_most(0.02), at_most(0.05)}, 3);
  Counted counted;
  one.begin(counted.canary, counted.stable);
  for (int i = 0; i < 5; ++i) counted.more(&one);
  const auto known = through_text(step_of(one.seen(counted.canary, counted.stable)));
  ASSERT_TRUE(known);
  Counted here{answered(40, 1), answered(50, 0)};  // the other process served a little before its judge began
  next.begin(here.canary, here.stable);
  next.go_on(known->seen);
  for (int i = 0; i < 3; ++i) {
    counted.more(nullptr);
    here.more(nullptr);
    const auto all = one.look(counted.canary, counted.stable);
    const auto parts = next.look(here.canary + known->seen.canary, here.stable + known->seen.stable);
    ASSERT_EQ(parts.size(), all.size());
    for (std::size_t gate = 0; gate < all.size(); ++gate)
      EXPECT_EQ(boost::json::serialize(to_json(parts[gate])), boost::json::serialize(to_json(all[gate])));
  }
  EXPECT_EQ(next.canary(), one.canary());
  EXPECT_EQ(next.stable(), one.stable());
}

TEST(KnownStep, is_of_its_step_only) {
  const auto known = step_of({});
  state::Rollout rollout;
  rollout.id = 7;
  rollout.phase = state::RolloutPhase::running;
  rollout.step = 2;
  rollout.step_began = known.step_began;
  EXPECT_TRUE(is_of(known, rollout));
  rollout.step_began += 1;
  EXPECT_FALSE(is_of(known, rollout)) << "somebody promoted it and went back";
  rollout.step_began -= 1;
  rollout.step = 3;
  EXPECT_FALSE(is_of(known, rollout));
}

TEST(KnownStep, counters_that_went_back_are_no_evidence) {
  Judge judge({at_most(0.05)}, 1);
  judge.begin(answered(1'000, 0), answered(1'000, 0));
  EXPECT_EQ(judge.seen(answered(900, 0), answered(2'000, 0)).canary.attempts, 0u);
}

TEST(KnownStep, what_cannot_be_read_is_nothing) {
  Judge judge({at_most(0.05)}, 3);
  Counted counted;
  judge.begin(counted.canary, counted.stable);
  for (int i = 0; i < 5; ++i) counted.more(&judge);
  const auto good = boost::json::serialize(to_json(step_of(judge.seen(counted.canary, counted.stable))));
  const auto with = [&good](const std::string& old, const std::string& other) {
    auto text = good;
    const auto at = text.find(old);
    EXPECT_NE(at, std::string::npos) << old;
    text.replace(at, old.size(), other);
    return known_step_from(boost::json::parse(text)).has_value();
  };
  EXPECT_TRUE(with("\"api\"", "\"api\""));
  EXPECT_FALSE(with("\"running\"", "\"done\""));
  EXPECT_FALSE(with("\"rollout\":7", "\"rollout\":-7"));
  EXPECT_FALSE(with("\"errors\":10", "\"errors\":1501")) << "more errors than attempts";
  EXPECT_FALSE(with("\"number\":1", "\"number\":0"));
  EXPECT_FALSE(with("\"last_start\":", "\"last_start\":0,\"x\":")) << "a window after the last";
  EXPECT_FALSE(with("\"buckets\":[", "\"buckets\":[99999,1,"));
  EXPECT_FALSE(with("\"buckets\":[", "\"buckets\":[1,"));
  EXPECT_FALSE(with("\"seen\":", "\"unseen\":"));
  EXPECT_FALSE(known_step_from(boost::json::value()));
}

TEST(KnownStep, a_breaker_goes_on_where_it_was) {
  observe::Breaker breaker(3, 1, 12);
  for (int i = 0; i < 3; ++i) breaker.count(true);
  const auto text = boost::json::serialize(to_json(breaker.state()));
  const auto state = breaker_from(boost::json::parse(text));
  ASSERT_TRUE(state);
  observe::Breaker next(*state);
  EXPECT_EQ(next.errors(), 3u);
  EXPECT_FALSE(next.tripped());
  next.count(true);
  EXPECT_TRUE(next.tripped()) << "the fourth error of both";
  auto bad = to_json(breaker.state());
  bad["up"] = 0;
  EXPECT_FALSE(breaker_from(bad));
}

TEST(KnownStep, what_is_known_by_users_arrives_too) {
  Judge judge({at_most(0.05)}, 3);
  Reading canary = answered(1'000, 3), stable = answered(5'000, 10);
  canary.cells.resize(observe::CellLayout::kNumbers);
  canary.cells_seen = 40;
  judge.begin(canary, stable);
  answer(canary, 300, 2);
  canary.cells[5] = 300;
  const auto came = through_text(step_of(judge.seen(canary, stable)));
  ASSERT_TRUE(came);
  EXPECT_EQ(came->seen.canary.cells[5], 300u);
  EXPECT_EQ(came->seen.canary.cells_seen, 40);
  EXPECT_TRUE(came->seen.stable.cells.empty()) << "nothing told its users apart";
  EXPECT_EQ((came->seen.canary + canary).cells[5], 600u);
}

TEST(KnownStep, a_breaker_knows_its_users_in_the_next_process) {
  observe::Breaker breaker(3, 1, 30, true);
  for (std::uint32_t user = 0; user < 8; ++user) breaker.count(false, user);
  breaker.count(true, 2);
  const auto state = breaker_from(to_json(breaker.state()));
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->by_users);
  EXPECT_EQ(state->answered, 0xffu);
  EXPECT_EQ(state->failing, 4u);
  auto older = to_json(breaker.state());
  older.erase("by_users");
  older.erase("failing");
  older.erase("answered");
  ASSERT_TRUE(breaker_from(older)) << "of a version that told no users apart";
  EXPECT_FALSE(breaker_from(older)->by_users);
}

}  // namespace
}  // namespace sluice::rollout
