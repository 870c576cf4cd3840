// What a shell offers behind the words typed so far.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "control/cli/args.hpp"

namespace sluice::cli {

// The script that `sluicectl completion SHELL` prints; empty for an unknown shell.
std::string completion_script(const std::string& shell);

// The whole words that the last of `words` can become. `status` (GET /v1/status, or null) has the names.
// Pure.
std::vector<std::string> candidates(const std::vector<std::string>& words, const boost::json::value& status);

// False when verbs and flags are all that can follow.
bool completion_needs_status(const std::vector<std::string>& words);

// --socket, --url and --token-file among the words.
Globals globals_in(const std::vector<std::string>& words);

}  // namespace sluice::cli
