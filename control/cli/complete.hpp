// What a shell offers behind the words typed so far.
#pragma once

#include <string>
#include <vector>

#include "control/cli/args.hpp"
#include "control/protocol/answers.hpp"
#include "control/protocol/status.hpp"

namespace sluice::cli {

// The script that `sluicectl completion SHELL` prints; empty for an unknown shell.
std::string completion_script(const std::string& shell);

// The whole words that the last of `words` can become. `status` has the names,
// `history` the generations.
// Pure.
std::vector<std::string> candidates(const std::vector<std::string>& words, const protocol::Status& status,
                                    const protocol::HistoryList& history = {});

// False when verbs and flags are all that can follow.
bool completion_needs_status(const std::vector<std::string>& words);

// True when a generation is being typed: the history has them.
bool completion_needs_history(const std::vector<std::string>& words);

// --socket, --url and --token-file among the words.
Globals globals_in(const std::vector<std::string>& words);

}  // namespace sluice::cli
