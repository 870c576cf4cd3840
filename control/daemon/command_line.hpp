// The command line of sluiced. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sluice::daemon {

struct CommandLine {
  enum class Action { run, check, version, help } action = Action::run;
  std::string config = "/etc/sluice/sluice.yaml";
  std::optional<std::string> state_dir;  // instead of the configuration's
  std::string log_level = "info";        // trace, debug, info, warning, error
};

struct ParsedCommandLine {
  CommandLine flags;
  std::string error;  // why the command line is none, with a suggestion; empty when it is one
};

// Without the program's name. "--flag value" and "--flag=value" are the same.
ParsedCommandLine parse_command_line(const std::vector<std::string>& arguments);
const char* usage();

}  // namespace sluice::daemon
