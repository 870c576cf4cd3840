#include "control/core/flags.hpp"

#include <gtest/gtest.h>

namespace sluice::core {
namespace {

using Action = Flags::Action;

TEST(Flags, defaults_are_the_contracts) {
  const auto parsed = parse_flags({});
  EXPECT_TRUE(parsed.error.empty());
  EXPECT_EQ(parsed.flags.config, "/etc/sluice/sluice.yaml");
  EXPECT_EQ(parsed.flags.action, Action::run);
  EXPECT_FALSE(parsed.flags.state_dir);
}

TEST(Flags, values_come_behind_a_space_or_an_equals_sign) {
  const auto parsed = parse_flags({"--config", "a.yaml", "--state-dir=/s", "--log-level=debug", "--check"});
  EXPECT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.flags.config, "a.yaml");
  EXPECT_EQ(parsed.flags.state_dir, "/s");
  EXPECT_EQ(parsed.flags.log_level, "debug");
  EXPECT_EQ(parsed.flags.action, Action::check);
}

TEST(Flags, actions) {
  EXPECT_EQ(parse_flags({"--version"}).flags.action, Action::version);
  EXPECT_EQ(parse_flags({"-h"}).flags.action, Action::help);
  EXPECT_EQ(parse_flags({"--help", "--check"}).flags.action, Action::help);
}

TEST(Flags, what_is_wrong_is_said_with_a_suggestion) {
  EXPECT_EQ(parse_flags({"--confg", "x"}).error, "'--confg' is no flag of sluiced, did you mean '--config'?");
  EXPECT_EQ(parse_flags({"dmeo"}).error, "'dmeo' is no command, did you mean 'demo'?");
  EXPECT_EQ(parse_flags({"--config"}).error, "--config needs a value");
  EXPECT_EQ(parse_flags({"--check=yes"}).error, "--check takes no value");
  EXPECT_NE(parse_flags({"--log-level", "wrning"}).error.find("did you mean 'warning'?"), std::string::npos);
}

}  // namespace
}  // namespace sluice::core
