// Lines on paper: cut at its edge, coloured when it takes colour.
#include "control/screen/line.hpp"

#include <gtest/gtest.h>

namespace sluice::screen {
namespace {

Paper paper(std::size_t columns, bool color = false, bool utf8 = false) { return {columns, 24, color, utf8}; }

TEST(ScreenLine, ColourIsAroundWhatItMarks) {
  Line line("HELD", Ink::busy);
  line.add(" on").add(" green", Ink::strong);
  EXPECT_EQ(line.painted(paper(80)), "HELD on green");
  EXPECT_EQ(line.painted(paper(80, true)), "\x1b[33mHELD\x1b[0m on\x1b[1m green\x1b[0m");
}

TEST(ScreenLine, IsCutWithAMarkAndNeverLonger) {
  Line line("abc");
  line.add("def", Ink::good).add("gh");
  EXPECT_EQ(line.painted(paper(8)), "abcdefgh");
  EXPECT_EQ(line.painted(paper(7)), "abcdef~");
  EXPECT_EQ(line.painted(paper(3)), "ab~");
  EXPECT_EQ(line.painted(paper(4, true)), "abc\x1b[32m~\x1b[0m");
  EXPECT_EQ(line.painted(paper(4, false, true)), "abc\u2026");
  EXPECT_EQ(line.painted(paper(0)), "");
}

TEST(ScreenLine, WhatWouldMoveTheCursorCountsAsItIsShown) {
  EXPECT_EQ(Line("/a\x1b[2Jm").text(), "/a?[2Jm");
  EXPECT_EQ(Line("/a\x1b[2Jm").width(), 7u);
}

TEST(ScreenLine, CellsFlowOnAsManyLinesAsTheyNeed) {
  const auto lines = flowed(Line("name"), {Line("aaaa"), Line("bbbb"), Line("cccc")}, 16, 2);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].text(), "name  aaaa  bbbb");
  EXPECT_EQ(lines[1].text(), "  cccc");
  EXPECT_EQ(flowed(Line("name"), {Line("longer than all")}, 8, 2).size(), 2u);
}

TEST(ScreenLine, SentencesBreakAtBlanks) {
  const auto lines = wrapped(Line("  "), "one two three four", Ink::plain, 10, 3);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].text(), "  one two");
  EXPECT_EQ(lines[1].text(), "  three");
  EXPECT_EQ(lines[2].text(), "  four");
  EXPECT_EQ(wrapped(Line("  "), "one two three four", Ink::plain, 10, 1).size(), 1u);
}

}  // namespace
}  // namespace sluice::screen
