// A backend that comes and goes is told once.
#include "control/notify/backends_told.hpp"

#include <gmock/gmock.h>

#include "unit/notify/notice.hpp"

namespace sluice::notify {
namespace {

using namespace std::chrono_literals;

class Told : public testing::Test {
 protected:
  void perhaps_up(const std::string& name) {
    told.perhaps_up(name, notice_of(NoticeKind::backend_up, "api", name), now);
  }
  Clock::time_point now{1000h};
  BackendsTold told;
};

TEST_F(Told, UpIsToldOfWhatWasToldToBeDown) {
  EXPECT_FALSE(told.up("a")) << "a start";
  EXPECT_TRUE(told.down("a"));
  EXPECT_FALSE(told.down("a")) << "by probes as well as by errors";
  EXPECT_TRUE(told.up("a"));
  EXPECT_FALSE(told.up("a"));
  EXPECT_TRUE(told.down("a"));
}

TEST_F(Told, AnEjectionThatIsOverIsUpOnlyWhenItStaysSo) {
  EXPECT_TRUE(told.down("a"));
  for (int i = 0; i < 10; ++i) {
    now += 30s;
    perhaps_up("a");
    now += 5s;
    EXPECT_THAT(told.settled(now), testing::IsEmpty());
    EXPECT_FALSE(told.down("a")) << "ejected again";
  }
  now += 10min;
  EXPECT_THAT(told.settled(now), testing::IsEmpty());
  perhaps_up("a");
  now += BackendsTold::kQuiet;
  ASSERT_EQ(told.settled(now).size(), 1u);
  EXPECT_TRUE(told.empty());
  EXPECT_TRUE(told.down("a"));
}

TEST_F(Told, WhatIsGoneIsForgotten) {
  told.down("a");
  told.down("b");
  told.keep_only([](const std::string& name) { return name == "b"; });
  EXPECT_TRUE(told.down("a"));
  EXPECT_FALSE(told.down("b"));
  perhaps_up("c");
  now += 10min;
  EXPECT_THAT(told.settled(now), testing::IsEmpty()) << "it was never told to be down";
}

}  // namespace
}  // namespace sluice::notify
