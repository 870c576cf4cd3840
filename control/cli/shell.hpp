// Commands that the operator gave, run by a shell on this machine as the operator.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace sluice::cli {

// `command` with each {name} replaced by its value as one word.
std::string filled(const std::string& command,
                   const std::vector<std::pair<std::string, std::string>>& values);

// Runs it by /bin/sh and waits; its output goes to stderr, so that stdout stays ours. The exit code, 128 and
// the number for a signal.
int run_shell(const std::string& command);

}  // namespace sluice::cli
