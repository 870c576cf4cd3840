// Bars, sparklines and the evidence of a gate, in both alphabets.
#include "control/screen/marks.hpp"

#include <gtest/gtest.h>

namespace sluice::screen {
namespace {

TEST(ScreenMarks, ABarShowsThatThereIsSomething) {
  EXPECT_EQ(bar(0, 10, Fill::solid, false), "..........");
  EXPECT_EQ(bar(0.001, 10, Fill::solid, false), "#.........");
  EXPECT_EQ(bar(0.25, 8, Fill::hatched, false), "==......");
  EXPECT_EQ(bar(0.999, 10, Fill::solid, false), "#########.");
  EXPECT_EQ(bar(1, 4, Fill::solid, true), "\u2588\u2588\u2588\u2588");
  EXPECT_EQ(bar(7, 4, Fill::hatched, true), "\u2593\u2593\u2593\u2593");
}

TEST(ScreenMarks, ASparklineEndsAtTheRightAndHasGaps) {
  EXPECT_EQ(sparkline({0, 1, 2, 4}, 6, false), "  _:-*");
  EXPECT_EQ(sparkline({9, 0, std::nullopt, 1}, 3, false), "_ *");
  EXPECT_EQ(sparkline({0.01, 0.02}, 2, false, 0.1), ".:");
  EXPECT_EQ(sparkline({}, 3, true), "   ");
  EXPECT_EQ(sparkline({0.0, 1.0}, 2, true), "\u2581\u2587");
}

TEST(ScreenMarks, EvidenceLiesBetweenItsBoundsAndTheLimit) {
  //                     value lower upper limit
  EXPECT_EQ(evidence_bar({0.02, 0.01, 0.03, 0.04}, 13, false), "..--o--.|....");
  EXPECT_EQ(evidence_bar({0.02, 0.01, std::nullopt, 0.04}, 13, false), "..--o---|----");
  EXPECT_EQ(evidence_bar({std::nullopt, std::nullopt, std::nullopt, 0.04}, 13, false), "........|....");
  EXPECT_EQ(evidence_bar({9.0, 8.0, 9.5, 0.04}, 11, false), "|......-o..");
  EXPECT_EQ(evidence_bar({-0.01, -0.02, 0.01, 0.02}, 9, false), "o----.|..");
  EXPECT_EQ(evidence_bar({0.02, 0.01, 0.03, std::nullopt}, 5, false), "     ");
}

}  // namespace
}  // namespace sluice::screen
