#include "control/protocol/headline.hpp"

#include <gtest/gtest.h>

#include "control/protocol/status.hpp"

namespace sluice::protocol {
namespace {

using namespace std::chrono_literals;

struct HeadlineTest : ::testing::Test {
  ServiceStatus service;

  HeadlineTest() {
    service.name = "api";
    service.stable = "blue";
    for (const char* name : {"blue", "green"}) {
      auto& pool = service.pools.emplace_back();
      pool.name = name;
      pool.share = service.pools.size() == 1 ? kWhole : 0;
      for (int i = 0; i < 2; ++i) {
        auto& backend = pool.backends.emplace_back();
        backend.admin = "ready";
        backend.health = "up";
        backend.eligible = true;
      }
    }
  }
  PoolStatus& blue() { return service.pools[0]; }
  PoolStatus& green() { return service.pools[1]; }
  void split(Share to_green) {
    blue().share = kWhole - to_green;
    green().share = to_green;
  }
  RolloutStatus& rollout(const char* state, bool active = true) {
    service.rollout.emplace();
    auto& one = *service.rollout;
    one.state = state;
    one.active = active;
    one.from = "blue";
    one.to = "green";
    one.steps = 2;
    one.plan_steps = {{5'000, 600s, false, {}}, {kWhole, 600s, true, {}}};
    if (active) {
      one.step = 1;
      one.hold = 600s;
      one.in_step = 468s;
      split(5'000);
    }
    return one;
  }
  void gate(const char* verdict, bool warn = false) {
    auto& one = service.rollout->gates.emplace_back();
    one.verdict = verdict;
    one.warn = warn;
  }
  Headline now(std::optional<milliseconds> ended_ago = {}) const { return headline_of(service, ended_ago); }
};

void expect(const Headline& said, unsigned rank, const char* tone, const char* word,
            const std::string& text) {
  EXPECT_EQ(said.rank, rank);
  EXPECT_EQ(said.tone, tone);
  EXPECT_EQ(said.word, word);
  EXPECT_EQ(said.text, text);
}

TEST_F(HeadlineTest, NothingHappens) {
  expect(now(), 9, "calm", "steady", "All requests go to blue");
  EXPECT_EQ(now().how, "No requests in the last ten seconds");
  blue().requests_per_second = 412.34;
  blue().error_rate = 0.00312;
  blue().p95_ms = 8.25;
  EXPECT_EQ(now().how, "blue: 412 requests/s, 0.31 % errors, p95 8.3 ms");
}

TEST_F(HeadlineTest, AShiftByHand) {
  split(2'500);
  expect(now(), 7, "move", "shifted", "2.5 % of the requests go to green");
  service.unconfirmed = UnconfirmedStatus{61s};
  expect(now(), 5, "move", "unconfirmed", "2.5 % of the requests go to green");
  EXPECT_EQ(now().waits, "you: without a confirmation it reverts in 1 min 1 s");
}

TEST_F(HeadlineTest, ARolloutSaysHowItGoesAndWhatItWaitsFor) {
  auto& one = rollout("running");
  one.min_requests = 50;
  one.requests.canary = 49;
  EXPECT_EQ(now().how, "No gate judges this rollout");
  gate("pass");
  gate("insufficient");
  expect(now(), 5, "move", "holding", "5 % of the requests go to green");
  EXPECT_EQ(now().how, "Going well: 1 of 2 gates pass, 1 without proof yet");
  EXPECT_EQ(now().waits, "2 min 12 s, 1 more request to green, proof of 1 gate");
  one.gates[1].verdict = "pass";
  EXPECT_EQ(now().how, "Going well: all 2 gates pass");
  one.gates.pop_back();
  EXPECT_EQ(now().how, "Going well: the gate passes");
  gate("insufficient");
  one.gates[0].verdict = "insufficient";
  EXPECT_EQ(now().how, "No verdict yet: too few requests for a proof");
  one.gates[0].warn = true;
  expect(now(), 3, "warn", "holding", "5 % of the requests go to green");
  one.gates[0].verdict = "fail";
  expect(now(), 1, "bad", "holding", "5 % of the requests go to green");
  EXPECT_EQ(now().how, "1 of 2 gates failed");
}

TEST_F(HeadlineTest, ARolloutThatWaitsForSomebody) {
  auto& one = rollout("watching");
  one.step = 2;
  one.in_step = 700s;
  EXPECT_EQ(now().waits, "your approval: Promote");
  one.step = 1;
  one.waits_for = "p95: no proof";
  EXPECT_EQ(now().waits, "p95: no proof");
  one.state = "paused";
  expect(now(), 3, "warn", "paused", "5 % of the requests go to green");
  EXPECT_EQ(now().waits, "you: Resume");
  one.state = "verifying";
  one.waits_for = "2 of 3 checks passed";
  expect(now(), 5, "move", "checking", "5 % of the requests go to green");
  EXPECT_EQ(now().waits, "2 of 3 checks passed");
  one.state = "running";
  one.mirror = 10'000;
  EXPECT_EQ(now().text, "Copies of 10 % of the requests go to green");
}

TEST_F(HeadlineTest, ARolloutThatIsOverIsNewsForAnHour) {
  auto& one = rollout("rolled_back", false);
  one.why = "error_rate max 5 %: 20 %";
  expect(now(1min), 3, "bad", "rolled back", "All requests go to blue again");
  EXPECT_EQ(now(1min).how, "Why: error_rate max 5 %: 20 %");
  expect(now(2h), 9, "calm", "steady", "All requests go to blue");
  one.state = "aborted";
  expect(now(1min), 8, "calm", "aborted", "All requests go to blue again");
  split(kWhole);
  service.stable = "green";
  expect(now(1min), 9, "calm", "steady", "All requests go to green");
  one.state = "done";
  expect(now(1min), 9, "good", "done", "All requests go to green");
}

TEST_F(HeadlineTest, WhatIsWrongComesFirst) {
  split(kWhole);
  service.stable = "green";
  green().backends[0].health = "ejected";
  expect(now(), 4, "warn", "trouble", "1 of 2 backends of green not well");
  green().backends[0].admin = "draining";
  expect(now(), 6, "move", "draining", "All requests go to green");
  service.traffic.state = "paused";
  service.traffic.held = 3;
  service.traffic.in_flight = 1;
  service.traffic.max_hold = 30s;
  expect(now(), 2, "warn", "paused", "3 requests on hold");
  EXPECT_EQ(now().how, "1 in flight; each is held for 30 s at most");
  EXPECT_EQ(now().waits, "you: Resume requests");
  service.traffic.state = "stopped";
  service.traffic.message = "Back at 14:00";
  expect(now(), 1, "bad", "stopped", "Requests are refused: Back at 14:00");
  for (auto& backend : green().backends) backend.eligible = false;
  expect(now(), 0, "bad", "no backend", "No backend of green takes requests");
  service.set_aside = "its certificate cannot be read";
  expect(now(), 0, "bad", "not serving", "This service does not serve");
  EXPECT_EQ(now().how, "its certificate cannot be read");
}

TEST_F(HeadlineTest, SeveralPoolsBesideTheStableOne) {
  split(1'000);
  auto& third = service.pools.emplace_back(green());
  third.name = "v3";
  third.share = 500;
  blue().share = kWhole - 1'500;
  EXPECT_EQ(now().text, "1 % of the requests go to green, 0.5 % to v3");
}

TEST_F(HeadlineTest, SaysWhenTheWayBackIsLost) {
  auto& way = service.rollback.emplace();
  way.pool = "blue";
  way.ready = true;
  split(kWhole);
  expect(now(), 9, "calm", "steady", "All requests go to green");
  way.ready = false;
  way.reasons = {"has 1 of 3 backends up", "would run at 210 % of yesterday's peak per backend"};
  expect(now(), 4, "warn", "no way back", "All requests go to green");
  EXPECT_EQ(
      now().how,
      "Cannot go back: blue has 1 of 3 backends up, would run at 210 % of yesterday's peak per backend");
  rollout("running");
  gate("pass");
  EXPECT_EQ(now().rank, 3u);
  EXPECT_EQ(now().tone, "warn");
  EXPECT_EQ(now().word, "holding");
  EXPECT_EQ(now().how,
            "Cannot go back: blue has 1 of 3 backends up, would run at 210 % of yesterday's peak per "
            "backend; Going well: "
            "the gate passes");
}

}  // namespace
}  // namespace sluice::protocol
