// "did you mean".
#include "proxy/base/suggest.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice {
namespace {

const std::vector<std::string> kWords = {"health_check", "timeouts",       "retries", "path",
                                         "ip",           "least_requests", "green"};

TEST(Suggest, TheWordThatWasMeant) {
  const std::pair<const char*, const char*> rows[] = {{"health-check", "health_check"},
                                                      {"Health_Check", "health_check"},
                                                      {"healthcheck", "health_check"},
                                                      {"timeout", "timeouts"},
                                                      {"pth", "path"},
                                                      {"ptah", "path"},
                                                      {"pi", "ip"},
                                                      {"leastrequests", "least_requests"},
                                                      {"grn", "green"},
                                                      {"health", "health_check"},
                                                      {"least", "least_requests"},
                                                      {"reties", "retries"}};
  for (const auto& [word, meant] : rows) EXPECT_EQ(suggest(word, kWords), meant) << word;
}

TEST(Suggest, NothingWhenNothingIsNear) {
  for (const char* word : {"", "x", "zebra", "completely_different", "cat"})
    EXPECT_EQ(suggest(word, kWords), "") << word;
  EXPECT_EQ(suggest(std::string(10'000, 'a'), kWords), "");
  EXPECT_EQ(suggest("path", {}), "");
}

TEST(Suggest, TheFirstOfEqualsAndNoneOfSeveralCompletions) {
  const std::vector<std::string> pools = {"v41", "v42", "production_blue", "production_green"};
  EXPECT_EQ(suggest("v43", pools), "v41");
  EXPECT_EQ(suggest("prod", pools), "");
}

TEST(ListOf, ReadsAsASentence) {
  EXPECT_EQ(list_of({}), "none");
  EXPECT_EQ(list_of(std::vector<std::string>{"a"}), "a");
  EXPECT_EQ(list_of(std::vector<std::string>{"a", "b"}), "a and b");
  EXPECT_EQ(list_of(std::vector<std::string>{"a", "b", "c"}), "a, b and c");
  EXPECT_EQ(with_suggestion("wrong", "right"), "wrong, did you mean 'right'?");
  EXPECT_EQ(with_suggestion("wrong", ""), "wrong");
}

TEST(ListOf, FewAreAllSaidAndOfManyTheFirst) {
  EXPECT_EQ(list_of({}), "none");
  EXPECT_EQ(list_of(std::vector<std::string>{"a", "b", "c"}), "a, b and c");
  const std::string many = list_of(std::vector<std::string>(10'000, "x"));
  EXPECT_TRUE(many.starts_with("x, x, x")) << many;
  EXPECT_TRUE(many.ends_with(", x and 9950 others")) << many;
}

}  // namespace
}  // namespace sluice
