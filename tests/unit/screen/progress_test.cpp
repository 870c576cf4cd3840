// How far, and for how long yet: deadlines and counts, else unknown.
#include "control/screen/progress.hpp"

#include <gtest/gtest.h>

#include "control/screen/text.hpp"
#include "unit/screen/statuses.hpp"

namespace sluice::screen {
namespace {

using protocol::milliseconds;
using protocol::Target;
using namespace testing;  // NOLINT: statuses.hpp

const Paper kAscii{100, 24, false, false};

std::string line_of(const std::optional<Progress>& progress) {
  return progress ? progress_line(*progress, kAscii).painted(kAscii) : "none";
}

std::string draining(const std::string& name, const std::string& drain) {
  return "\"" + name + R"(":{"admin":"draining","health":"up","eligible":false,"drain":{"running_ms":5000,)" +
         drain + "}}";
}

protocol::Status drains(const std::string& left_of_second) {
  return status_of(
      "\"api\":{\"stable\":\"blue\",\"pools\":{" +
      pool("blue", 1,
           draining("b1", R"("finished":false,"clean":6,"forced":0,"requests":3,"tunnels":1,"left_ms":11100,
                                         "oldest_ms":41000,"oldest_path":"/export")") +
               "," +
               draining("b2", R"("finished":false,"clean":0,"forced":0,"requests":2,"tunnels":0,"left_ms":)" +
                                  left_of_second) +
               "," +
               draining("b3",
                        R"("finished":true,"clean":9,"forced":0,"requests":0,"tunnels":0,"left_ms":null)")) +
      "}}");
}

TEST(ScreenProgress, ADrainEndsAtItsLastDeadline) {
  EXPECT_EQ(line_of(drain_progress(drains("21000"), {"api", "blue", ""})),
            "api/blue drains  ##########..........  at most 21s more  6 of 12 left, the oldest /export 41s");
  EXPECT_EQ(
      line_of(drain_progress(drains("21000"), {"api", "blue", "b1"})),
      "api/blue/b1 drains  ############........  at most 12s more  4 of 10 left, the oldest /export 41s");
  EXPECT_EQ(line_of(drain_progress(drains("21000"), {"api", "blue", "b3"})), "none");
}

TEST(ScreenProgress, ADrainWithoutADeadlineHasNoTime) {
  EXPECT_EQ(line_of(drain_progress(drains("null"), {"api", "blue", ""})),
            "api/blue drains  ##########..........  time left unknown  6 of 12 left, the oldest /export 41s");
  EXPECT_EQ(progress_text(*drain_progress(drains("null"), {"api", "blue", ""})),
            "api/blue drains: 6 of 12 left, the oldest /export 41s, since 5s, time left unknown");
}

TEST(ScreenProgress, TheWaitForHealthCounts) {
  const auto status = status_of(
      "\"api\":{\"stable\":\"blue\",\"pools\":{" +
      pool("blue", 1,
           backend("b1", "") +
               R"(,"b2":{"admin":"ready","health":"down","eligible":false,"last_error":"refused"})") +
      "}}");
  EXPECT_EQ(line_of(healthy_progress(status, {"api", "blue", ""}, milliseconds(3200), milliseconds(60'000))),
            "api/blue gets healthy  ##########..........  at most 57s more  1 of 2 up; b2 is down, refused");
  EXPECT_EQ(line_of(healthy_progress(status, {"api", "blue", "b1"}, milliseconds(3200), std::nullopt)),
            "api/blue/b1 gets healthy  ####################  time left unknown  1 of 1 up");
}

TEST(ScreenProgress, ARolloutTakesAtLeastItsHolds) {
  const auto status = status_of(service("api", 0.25, kRollout));
  EXPECT_EQ(line_of(rollout_progress(*status.services.at(0).rollout)),
            "to green  ###.................  at least 1h 6m more  step 2 of 3");
  auto done = *status.services.at(0).rollout;
  done.active = false;
  EXPECT_EQ(line_of(rollout_progress(done)), "none");
}

TEST(ScreenProgress, OthersTakeAsLongAsThoseThatAreDone) {
  Progress one;
  one.what = "api/blue/b3 drains";
  one.detail = "2 of 5 left";
  auto whole = one;
  put_into_rolling(whole, {"api/blue", 2, 2, milliseconds(60'000), milliseconds(70'000)});
  EXPECT_EQ(line_of(whole),
            "api/blue 2/4 renewed  ##########..........  about 50s more  api/blue/b3 drains, 2 of 5 left");
  put_into_rolling(one, {"api/blue", 0, 4, milliseconds(0), milliseconds(9'000)});
  EXPECT_EQ(line_of(one),
            "api/blue 0/4 renewed  ....................  time left unknown  api/blue/b3 drains, 2 of 5 left");
}

TEST(ScreenProgress, IsCutAtTheEdge) {
  const Paper narrow{30, 24, false, false};
  const auto line =
      progress_line(*drain_progress(drains("null"), {"api", "blue", ""}), narrow).painted(narrow);
  EXPECT_EQ(width_of(line), 30u);
}

}  // namespace
}  // namespace sluice::screen
