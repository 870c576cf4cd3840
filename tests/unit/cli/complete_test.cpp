// Completion offers what can follow, and the scripts are ones that the shells take.
#include "control/cli/complete.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace sluice::cli {
namespace {

using Words = std::vector<std::string>;

const auto kStatus = protocol::answer_from<protocol::Status>(boost::json::parse(R"({"services":{
  "api":{"pools":{"blue":{"backends":{"h:1":{}}},"green":{"backends":{}}}},"web":{"pools":{"v1":{"backends":{"h:2":{}}}}}}})"));

TEST(Complete, VerbsFlagsAndNames) {
  EXPECT_EQ(candidates({"cut"}, {}), (Words{"cutover"}));
  EXPECT_EQ(candidates({"split", "--dr"}, {}), (Words{"--dry-run"}));
  EXPECT_EQ(candidates({"split", ""}, kStatus), (Words{"api", "web"}));
  EXPECT_EQ(candidates({"split", "api", ""}, kStatus), (Words{"blue=", "green="}));
  EXPECT_EQ(candidates({"--socket", "/s", "split", "web", ""}, kStatus), (Words{"v1="}));
  EXPECT_EQ(candidates({"cutover", "api="}, kStatus), (Words{"api=blue", "api=green"}));
  EXPECT_EQ(candidates({"drain", "web"}, kStatus), (Words{"web/v1", "web/v1/h:2"}));
  EXPECT_EQ(candidates({"remove", ""}, kStatus), (Words{"api/blue/h:1", "web/v1/h:2"}));
  EXPECT_EQ(candidates({"wait", ""}, kStatus), (Words{"healthy", "drained"}));
  EXPECT_EQ(candidates({"wait", "healthy", "api/g"}, kStatus), (Words{"api/green"}));
  EXPECT_EQ(candidates({"completion", "b"}, {}), (Words{"bash"}));
  EXPECT_TRUE(candidates({"status", "api", ""}, kStatus).empty());
  EXPECT_GT(candidates({""}, {}).size(), 15u);
  EXPECT_TRUE(candidates({"split", ""}, {}).empty()) << "no daemon, no names";
}

TEST(Complete, WhatStandsBehindAFlag) {
  EXPECT_EQ(candidates({"split", "api", "green=5%", "--rest", ""}, kStatus), (Words{"blue", "green"}));
  EXPECT_EQ(candidates({"mirror", "web", "--to", ""}, kStatus), (Words{"v1"}));
  EXPECT_EQ(candidates({"rollout", "start", "api", "--to", "g"}, kStatus), (Words{"green"}));
  EXPECT_EQ(candidates({"flag", "set", "new", "5%", "--service", ""}, kStatus), (Words{"api", "web"}));
  EXPECT_EQ(candidates({"token", "t", "--role", "o"}, {}), (Words{"operator"}));
  EXPECT_EQ(candidates({"drain", "--wait", "web"}, kStatus), (Words{"web/v1", "web/v1/h:2"}));
}

TEST(Complete, GenerationsAreThoseOfTheHistory) {
  const auto history = protocol::answer_from<protocol::HistoryList>(boost::json::parse(
      R"({"history":[{"generation":12},{"generation":11},{"generation":11},{"generation":2}]})"));
  EXPECT_EQ(candidates({"undo", "--to-generation", ""}, {}, history), (Words{"12", "11", "2"}));
  EXPECT_EQ(candidates({"split", "--if-generation", "1"}, {}, history), (Words{"12", "11"}));
  EXPECT_TRUE(completion_needs_history({"undo", "--to-generation", ""}));
  EXPECT_FALSE(completion_needs_history({"undo", ""}));
  EXPECT_FALSE(completion_needs_history({"split", "--rest", ""}));
}

TEST(Complete, AsksTheDaemonOnlyForNames) {
  EXPECT_FALSE(completion_needs_status({"spl"}));
  EXPECT_FALSE(completion_needs_status({"split", "--r"}));
  EXPECT_TRUE(completion_needs_status({"split", "a"}));
  EXPECT_EQ(globals_in({"--socket", "/s", "status"}).socket, "/s");
}

TEST(Complete, ScriptsForThreeShells) {
  for (const char* shell : {"bash", "zsh", "fish"})
    EXPECT_NE(completion_script(shell).find("sluicectl __complete"), std::string::npos) << shell;
  EXPECT_EQ(completion_script("tcsh"), "");
}

}  // namespace
}  // namespace sluice::cli
