#include "control/rollout/way_back.hpp"

#include <gtest/gtest.h>

namespace sluice::rollout {
namespace {

using namespace std::chrono_literals;

WayBack three_backends() {
  WayBack way;
  way.pool = "blue";
  way.backends = way.up = 3;
  way.rate = 300;
  way.peak_per_backend = 100;
  return way;
}

std::string said(const WayBack& way) { return status_of(way).text; }

TEST(WayBack, IsReadyWhenTheOldPoolBearsItAll) {
  EXPECT_EQ(said(three_backends()), "ready, at 100 % of yesterday's peak per backend");
  WayBack way = three_backends();
  way.rate = 120;
  way.up = 2;
  EXPECT_EQ(said(way), "ready, with 2 of 3 backends up at 60 % of yesterday's peak per backend");
  EXPECT_TRUE(status_of(way).ready);
}

TEST(WayBack, IsNotWhenWhatIsLeftWouldHaveToBearMoreThanItEverDid) {
  WayBack way = three_backends();
  way.up = 1;
  way.rate = 210;
  EXPECT_EQ(said(way),
            "not ready: blue has 1 of 3 backends up, would run at 210 % of yesterday's peak per backend");
  EXPECT_FALSE(status_of(way).ready);
  EXPECT_DOUBLE_EQ(*status_of(way).peak_ratio, 2.1);
  way.up = 3;
  way.rate = 3 * 121;
  EXPECT_EQ(said(way), "not ready: blue would run at 121 % of yesterday's peak per backend");
  way.rate = 3 * 119;  // the growth of a day
  EXPECT_TRUE(status_of(way).ready);
}

TEST(WayBack, IsNotWithoutABackend) {
  WayBack way = three_backends();
  way.up = 0;
  way.trouble = "connect: Connection refused";
  EXPECT_EQ(said(way), "not ready: blue has 0 of 3 backends up (connect: Connection refused)");
  EXPECT_FALSE(status_of(way).peak_ratio);
}

TEST(WayBack, WithoutAPeakItIsAllOrNone) {
  WayBack way = three_backends();
  way.peak_per_backend = 0;
  EXPECT_EQ(said(way), "ready");
  way.up = 2;
  EXPECT_EQ(said(way), "not ready: blue has 2 of 3 backends up");
  way.rate = 1;  // hardly anything to bear
  EXPECT_TRUE(status_of(way).ready);
}

TEST(WayBack, HardlyAnyTrafficIsNoLoad) {
  WayBack way = three_backends();
  way.rate = 2.9;
  way.peak_per_backend = 0.01;
  EXPECT_EQ(said(way), "ready");
}

TEST(WayBack, CountsWhatIsInFlightAgainstItsLimit) {
  WayBack way = three_backends();
  way.capacity = 30;
  way.in_flight = 30;
  EXPECT_TRUE(status_of(way).ready);
  way.in_flight = 45;
  EXPECT_EQ(said(way), "not ready: blue would have 150 % of max_in_flight in flight");
}

TEST(WayBack, IsProbedAndShowsAValidCertificate) {
  WayBack way = three_backends();
  way.unprobed = 2;
  EXPECT_TRUE(status_of(way).ready);
  way.unprobed = 3;
  EXPECT_EQ(said(way), "not ready: blue was not probed yet");
  way.unprobed = 0;
  way.certificate = "shows its backends a certificate that has expired (c.pem)";
  EXPECT_EQ(said(way), "not ready: blue shows its backends a certificate that has expired (c.pem)");
}

TEST(WayBack, TheGateHoldsAndNeverFails) {
  config::GateSpec gate;
  gate.metric = "rollback_ready";
  EXPECT_EQ(judge_way_back(gate, {}).verdict, Verdict::insufficient);
  EXPECT_EQ(judge_way_back(gate, status_of(three_backends())).verdict, Verdict::pass);
  WayBack way = three_backends();
  way.up = 0;
  const auto judged = judge_way_back(gate, status_of(way));
  EXPECT_EQ(judged.verdict, Verdict::insufficient);
  EXPECT_EQ(judged.gate, "rollback_ready");
  EXPECT_EQ(judged.why, "not ready: blue has 0 of 3 backends up");
}

TEST(Debounce, TellsWhatStaysSo) {
  using Told = Debounce::Told;
  std::chrono::steady_clock::time_point at{};
  Debounce debounce;
  EXPECT_EQ(debounce.look(true, at), Told::nothing);
  EXPECT_EQ(debounce.look(false, at += 1s), Told::nothing);
  EXPECT_EQ(debounce.look(true, at += 2s), Told::nothing);  // for a moment only
  EXPECT_EQ(debounce.look(false, at += 1s), Told::nothing);
  EXPECT_EQ(debounce.look(false, at += 2s), Told::nothing);
  EXPECT_EQ(debounce.look(false, at += 1s), Told::lost);
  EXPECT_EQ(debounce.look(false, at += 60s), Told::nothing);  // once
  EXPECT_EQ(debounce.look(true, at += 1s), Told::nothing);
  EXPECT_EQ(debounce.look(true, at += 9s), Told::nothing);
  EXPECT_EQ(debounce.look(true, at += 1s), Told::back);
  EXPECT_EQ(debounce.look(true, at += 60s), Told::nothing);
}

}  // namespace
}  // namespace sluice::rollout
