// nginx's syntax, and where it is broken.
#include "control/nginx/parse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::nginx {
namespace {

TEST(Parse, WordsQuotesCommentsAndBlocks) {
  const auto parsed = parse("a b 'c d' \"e\\\"f\"; # x {\nhttp{g ${h}i#j;k{}}\n");
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->size(), 2u);
  const auto& first = parsed->at(0);
  EXPECT_EQ(first.name.text, "a");
  EXPECT_EQ(first.argument(1), "c d");
  EXPECT_EQ(first.argument(2), "e\"f");
  EXPECT_EQ(first.argument(3), "");
  const auto& http = parsed->at(1);
  EXPECT_EQ(http.line(), 2);
  ASSERT_EQ(http.block.size(), 2u);
  EXPECT_EQ(http.block[0].argument(0), "${h}i#j");
  EXPECT_TRUE(http.block[1].has_block);
}

struct Broken {
  const char* text;
  int line, column;
  const char* says;
};

TEST(Parse, BrokenFilesAreNamedWithTheirPlace) {
  const Broken cases[] = {
      {"a;\n}", 2, 1, "without a block"},
      {"a {\n b;\n", 3, 1, "block of line 1 is not closed"},
      {"a b\n", 2, 1, "directive 'a' of line 1 is not ended"},
      {"a { b }", 1, 7, "directive 'b' of line 1 is not ended"},
      {"x 'y;\n", 1, 3, "not closed"},
      {"x 'y'z;", 1, 6, "behind a quoted text"},
      {"a;\n ;", 2, 2, "without a directive"},
      {"{ }", 1, 1, "without a directive"},
  };
  for (const auto& one : cases) {
    const auto parsed = parse(one.text);
    ASSERT_FALSE(parsed) << one.text;
    EXPECT_EQ(parsed.error().place.line, one.line) << one.text;
    EXPECT_EQ(parsed.error().place.column, one.column) << one.text;
    EXPECT_THAT(parsed.error().what, testing::HasSubstr(one.says)) << one.text;
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "a{";
  EXPECT_THAT(parse(deep).error().what, testing::HasSubstr("deeper"));
}

}  // namespace
}  // namespace sluice::nginx
