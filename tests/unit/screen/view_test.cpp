// The picture of a service and of several, at the sizes that terminals have.
#include "control/screen/view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/screen/list.hpp"
#include "control/screen/text.hpp"
#include "unit/screen/statuses.hpp"

namespace sluice::screen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace testing;  // NOLINT: statuses.hpp

Seen seen_of(const std::string& services) {
  Seen seen;
  seen.status = status_of(services);
  seen.time = "14:09:11";
  const Trends::Clock::time_point start;
  auto earlier = seen.status;
  for (auto& service : earlier.services)
    for (auto& pool : service.pools) pool.requests -= 100;
  seen.trends.add(earlier, start);
  seen.trends.add(seen.status, start + std::chrono::seconds(1));
  seen.events.push_back(protocol::Event{
      7,
      "2026-11-28T14:00:00.000Z",
      "change",
      "api",
      "long",
      {{"verb", "rollout start"}, {"actor", "alice"}, {"reason", "INC-12"}, {"after", "api blue=95%"}}});
  return seen;
}

std::string picture(const Seen& seen, const Focus& focus, const Paper& paper) {
  std::string out;
  for (const auto& line : view(seen, focus, paper)) {
    auto text = line.painted(paper);
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

const Paper kAscii{80, 24, false, false};

TEST(View, OneServiceFromTheTopDown) {
  EXPECT_EQ(picture(seen_of(service("api", 0.25, kRollout)), {}, kAscii),
            R"(api  generation 42                                           14:09:11 UTC * live
HOLDING  25 % of the requests go to green
  how    A warning limit is passed
  waits  6 min 12 s, 30 more requests to green, proof of 1 gate
  time   at least 1h 6m to the end
  back   sluicectl rollback api

blue (stable)  ##########...  set 75%  measured 75.0%  2/2 up  3 in flight
               100/s          *  errors 0.31%          _  p95 182 ms         **
green          ===..........  set 25%  measured 25.0%  1/1 up  3 in flight
               100/s          *  errors 0.31%          _  p95 182 ms         **

steps  5% done -- [25% now, 6m 12s left] -- 100% for 1h
error_rate          0.31% (0.19 to 0.48)  o....|..  max 5%      pass
error_rate vs blue  0.19% (-0.1 to 2)     -o---|--  max 1%      undecided
p95                 182 ms (171 to 195)   ..o..|..  max 500 ms  pass, warns

blue   blue-1 up  blue-2 up
green  green-1 up

14:00:00  rollout start by alice, "INC-12": api blue=95%


q quit   r roll back
)");
}

TEST(View, NarrowAndInUtf8) {
  EXPECT_EQ(picture(seen_of(service("api", 0.25, kRollout)), {}, {40, 30, false, true}),
            R"(api  generation 42   14:09:11 UTC ● live
HOLDING  25 % of the requests go to
         green
  how    A warning limit is passed
  waits  6 min 12 s, 30 more requests to
         green, proof of 1 gate
  time   at least 1h 6m to the end
  back   sluicectl rollback api

blue (stable)  ████████░░  set 75%
  measured 75.0%  2/2 up  3 in flight
  100/s  errors 0.31%  p95 182 ms
green          ▓▓▓░░░░░░░  set 25%
  measured 25.0%  1/1 up  3 in flight
  100/s  errors 0.31%  p95 182 ms

steps  5% done
       [25% now, 6m 12s left]
       100% for 1h
error_rate  0.31% (0.19 to 0.48)
  max 5%      pass
error_rate vs blue  0.19% (-0.1 to 2)
  max 1%      undecided
p95  182 ms (171 to 195)   max 500 ms
  pass, warns

blue   blue-1 up  blue-2 up
green  green-1 up
last change 14:00:00: rollout start by …
q quit   r roll back
)");
}

TEST(View, NeverLargerThanThePaper) {
  std::string many;
  for (int i = 0; i < 200; ++i)
    many += (i ? "," : "") + service("service-" + std::to_string(i), i % 7 ? 0 : 0.25, i % 7 ? "" : kRollout);
  for (const auto& services : {service("api", 0.25, kRollout), many, std::string()})
    for (const std::size_t columns : {1, 10, 40, 80, 200, 500})
      for (const std::size_t rows : {1, 2, 5, 10, 24, 50, 200})
        for (const bool utf8 : {false, true}) {
          const Paper paper{columns, rows, true, utf8};
          const auto lines = view(seen_of(services), {}, paper);
          EXPECT_EQ(lines.size(), rows) << columns;
          for (const auto& line : lines) EXPECT_LE(width_of(line.painted(paper)), columns) << line.text();
        }
}

TEST(View, InColourItSaysTheSame) {
  const auto seen = seen_of(service("api", 0.25, kRollout));
  Paper color = kAscii;
  color.color = true;
  std::string plain, painted;
  for (const auto& line : view(seen, {}, kAscii)) plain += line.painted(kAscii);
  for (const auto& line : view(seen, {}, color)) painted += line.painted(color);
  EXPECT_THAT(painted, HasSubstr("\x1b["));
  for (auto at = painted.find('\x1b'); at != std::string::npos; at = painted.find('\x1b'))
    painted.erase(at, painted.find('m', at) - at + 1);
  EXPECT_EQ(painted, plain);
}

TEST(View, WhatIsGoingOnStandsFirstInTheList) {
  const auto seen =
      seen_of(service("calm", 0) + "," + service("api", 0.25, kRollout) + "," + service("split", 0.5));
  std::vector<std::string> names;
  for (const auto* one : listed(seen.status, true)) names.push_back(one->name);
  EXPECT_THAT(names, ElementsAre("api", "split", "calm"));
  names.clear();
  for (const auto* one : listed(seen.status, false)) names.push_back(one->name);
  EXPECT_THAT(names, ElementsAre("calm", "api", "split"));
  Focus focus;
  focus.service = "calm";
  const auto text = picture(seen, focus, {80, 40, false, false});
  EXPECT_THAT(text,
              HasSubstr("\n  api    200/s  err 0.31%  p95 182 ms  HOLDING 25 % of the requests go to green"));
  EXPECT_THAT(text, HasSubstr("\n> calm   200/s"));
  EXPECT_THAT(text, ::testing::StartsWith("Sluice  generation 42  3 services, 2 of them not steady "));
  EXPECT_THAT(text, HasSubstr("\nSTEADY  All requests go to blue\n"));
  focus.show = Focus::Show::list;
  EXPECT_THAT(picture(seen, focus, {80, 40, false, false}), Not(HasSubstr("blue (stable)")));
  focus.show = Focus::Show::service;
  EXPECT_THAT(picture(seen, focus, {80, 40, false, false}), Not(HasSubstr("HOLDING")));
}

TEST(View, ADaemonThatIsGoneIsSaidAndTheLastPictureStays) {
  auto seen = seen_of(service("api", 0.25, kRollout));
  seen.lost = "nobody listens on the admin socket /run/sluice/admin.sock";
  seen.lost_since = "14:09:11";
  const auto text = picture(seen, {}, kAscii);
  EXPECT_THAT(
      text,
      HasSubstr(
          "! NO DATA since 14:09:11\nnobody listens on the admin socket /run/sluice/admin.sock\nHOLDING"));
  EXPECT_THAT(text, Not(HasSubstr("live")));
}

TEST(View, DrainsHaveTheirCountdownAndBackendsTheirTrouble) {
  const std::string draining =
      R"(,"drain":{"running_ms":5000,"finished":false,"clean":6,"forced":0,"requests":3,"tunnels":1,"left_ms":11100,
    "oldest_ms":41000,"oldest_path":"/export\u001b[2J"})";
  const auto text = picture(
      seen_of(
          "\"api\":{\"stable\":\"blue\",\"pools\":{" +
          pool(
              "blue", 1,
              R"("b1":{"admin":"draining","health":"up","eligible":false)" + draining + "}," +
                  R"("b2":{"admin":"ready","health":"down","eligible":false,"last_error":"connection refused"})") +
          "}}"),
      {}, kAscii);
  EXPECT_THAT(text, HasSubstr("drain blue/b1  #######.....\n  3 requests and 1 tunnel left, the oldest "
                              "/export?[2J 41s, closed in 12s\n"));
  EXPECT_THAT(text, HasSubstr("blue  b1 draining  b2 down: connection refused\n"));
}

TEST(View, ManyWarningsLeaveRoomForTheState) {
  auto seen = seen_of(service("api", 0.25, kRollout));
  for (int i = 0; i < 30; ++i) seen.status.warnings.push_back("something " + std::to_string(i));
  const auto text = picture(seen, {}, kAscii);
  EXPECT_THAT(text,
              HasSubstr("\nWARNING something 2\nWARNING and 27 more, see sluicectl status\nHOLDING  25 %"));
}

TEST(View, ACommandCallsSluicectlAsItWasCalled) {
  Focus focus;
  focus.ctl = "sluicectl --socket /tmp/s";
  EXPECT_THAT(picture(seen_of(service("api", 0.25, kRollout)), focus, kAscii),
              HasSubstr("back   sluicectl --socket /tmp/s rollback api\n"));
}

TEST(View, LinesForAFileHaveNothingThatTimeAloneMoves) {
  const auto status = status_of(service("api", 0.25, kRollout));
  auto later = status;
  later.services[0].rollout->in_step = protocol::milliseconds(229'000);
  later.services[0].pools[0].requests_per_second = 7;
  EXPECT_EQ(state_lines(status), state_lines(later));
  EXPECT_THAT(
      state_lines(status),
      ElementsAre("api: HOLDING step 2 of 3: 25% to green; gates: 2 pass, 1 undecided; blue 75% (2/2 up), "
                  "green 25% (1/1 up); generation 42"));
  later.services[0].rollout->gates[1].verdict = "pass";
  EXPECT_NE(state_lines(status), state_lines(later));
}

}  // namespace
}  // namespace sluice::screen
