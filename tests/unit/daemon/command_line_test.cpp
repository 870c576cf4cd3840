#include "control/daemon/command_line.hpp"

#include <gtest/gtest.h>

namespace sluice::daemon {
namespace {

using Action = CommandLine::Action;

TEST(CommandLine, defaults_are_the_contracts) {
  const auto parsed = parse_command_line({});
  EXPECT_TRUE(parsed.error.empty());
  EXPECT_EQ(parsed.flags.config, "/etc/sluice/sluice.yaml");
  EXPECT_EQ(parsed.flags.action, Action::run);
  EXPECT_FALSE(parsed.flags.state_dir);
}

TEST(CommandLine, values_come_behind_a_space_or_an_equals_sign) {
  const auto parsed =
      parse_command_line({"--config", "a.yaml", "--state-dir=/s", "--log-level=debug", "--check"});
  EXPECT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.flags.config, "a.yaml");
  EXPECT_EQ(parsed.flags.state_dir, "/s");
  EXPECT_EQ(parsed.flags.log_level, "debug");
  EXPECT_EQ(parsed.flags.action, Action::check);
}

TEST(CommandLine, actions) {
  EXPECT_EQ(parse_command_line({"--version"}).flags.action, Action::version);
  EXPECT_EQ(parse_command_line({"-h"}).flags.action, Action::help);
  EXPECT_EQ(parse_command_line({"--help", "--check"}).flags.action, Action::help);
}

TEST(CommandLine, what_is_wrong_is_said_with_a_suggestion) {
  EXPECT_EQ(parse_command_line({"--confg", "x"}).error,
            "'--confg' is no flag of sluiced, did you mean '--config'?");
  EXPECT_EQ(parse_command_line({"dmeo"}).error, "'dmeo' is no command, did you mean 'demo'?");
  EXPECT_EQ(parse_command_line({"--config"}).error, "--config needs a value");
  EXPECT_EQ(parse_command_line({"--check=yes"}).error, "--check takes no value");
  EXPECT_NE(parse_command_line({"--log-level", "wrning"}).error.find("did you mean 'warning'?"),
            std::string::npos);
}

}  // namespace
}  // namespace sluice::daemon
