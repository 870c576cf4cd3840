// Problems go over HTTP and come back as they were; what other servers send still gives an exit code.
#include "control/protocol/problem.hpp"

#include <gtest/gtest.h>

#include <boost/json/value.hpp>

namespace sluice::protocol {
namespace {

namespace json = boost::json;

TEST(Problems, ComeBackAsTheyWere) {
  const Problem kinds[] = {malformed("a", "f"), not_found("b", "did you mean 'x'?"),
                           conflict("c"),       generation_moved(7, 8),
                           refused("d"),        invalid_config("e"),
                           timed_out("g"),      internal("h")};
  for (const auto& kind : kinds) {
    const auto back = problem_from(json::value(to_json(kind)), kind.status);
    EXPECT_EQ(back.exit, kind.exit) << kind.detail;
    EXPECT_EQ(back.detail, kind.detail);
    EXPECT_EQ(back.field, kind.field);
    EXPECT_EQ(back.suggestion, kind.suggestion);
    EXPECT_EQ(back.title, kind.title);
  }
}

TEST(Problems, CarryTheContractsExitCodes) {
  EXPECT_EQ(static_cast<int>(malformed("").exit), 2);
  EXPECT_EQ(static_cast<int>(invalid_config("").exit), 2);
  EXPECT_EQ(static_cast<int>(not_found("").exit), 4);
  EXPECT_EQ(static_cast<int>(conflict("").exit), 5);
  EXPECT_EQ(static_cast<int>(generation_moved(1, 2).exit), 5);
  EXPECT_EQ(generation_moved(1, 2).status, 412);
  EXPECT_EQ(static_cast<int>(timed_out("").exit), 7);
  EXPECT_EQ(static_cast<int>(refused("").exit), 9);
  EXPECT_EQ(static_cast<int>(internal("").exit), 1);
}

TEST(Problems, OfOthersGetTheirExitFromTheStatus) {
  EXPECT_EQ(problem_from(json::value(nullptr), 404).exit, Exit::not_found);
  EXPECT_EQ(problem_from(json::value(nullptr), 401).exit, Exit::refused);
  EXPECT_EQ(problem_from(json::value("text"), 412).exit, Exit::conflict);
  EXPECT_EQ(problem_from(json::value(nullptr), 500).exit, Exit::internal);
  EXPECT_FALSE(problem_from(json::value(nullptr), 500).detail.empty());
  EXPECT_EQ(problem_from(json::object{{"exit", 99}, {"detail", 5}}, 400).exit, Exit::usage);
}

TEST(Problems, SuggestTheNearestOrListAll) {
  const std::vector<std::string> names{"api", "web"};
  EXPECT_EQ(did_you_mean("apo", names), "did you mean 'api'?");
  EXPECT_EQ(did_you_mean("completely", names), "there are api and web");
  EXPECT_EQ(did_you_mean("x", {}), "");
}

}  // namespace
}  // namespace sluice::protocol
