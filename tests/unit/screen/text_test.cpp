// Columns, cuts, and what may not reach a terminal.
#include "control/screen/text.hpp"

#include <gtest/gtest.h>

namespace sluice::screen {
namespace {

TEST(ScreenText, WidthCountsColumns) {
  EXPECT_EQ(width_of("blue"), 4u);
  EXPECT_EQ(width_of("bl\u00FCe"), 4u);
  EXPECT_EQ(width_of("\u65E5\u672C"), 4u);
  EXPECT_EQ(width_of("\U0001F680"), 2u);
  EXPECT_EQ(width_of("e\u0301"), 1u);
  EXPECT_EQ(width_of("\x1b[1;31mbad\x1b[0m"), 3u);
  EXPECT_EQ(width_of("\x1b[1;31"), 0u);
}

TEST(ScreenText, ACutLeavesRoomForItsMark) {
  EXPECT_EQ(clipped("green", 5, "~"), "green");
  EXPECT_EQ(clipped("green", 4, "~"), "gre~");
  EXPECT_EQ(clipped("\u65E5\u672C\u8A9E", 4, "~"), "\u65E5~");  // half a character is none
  EXPECT_EQ(clipped("green", 0, "~"), "");
  EXPECT_EQ(clipped("green", 2, "..."), "..");
}

TEST(ScreenText, NothingMovesTheCursor) {
  EXPECT_EQ(printable("/a\x1b[2Jb\r\n\x7f", true), "/a?[2Jb???");
  EXPECT_EQ(printable("/\u009B2J", true), "/?2J");
  EXPECT_EQ(printable("/\xC3", true), "/?");
  EXPECT_EQ(printable("/\xC0\xAF", true), "/??");
  EXPECT_EQ(printable("/\xED\xA0\x80", true), "/???");
  EXPECT_EQ(printable("bl\u00FCe", true), "bl\u00FCe");
  EXPECT_EQ(printable("bl\u00FCe", false), "bl?e");
}

}  // namespace
}  // namespace sluice::screen
