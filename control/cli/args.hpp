// The command line as a value: what sluicectl was asked to do, or what it has to say instead. No socket, no
// environment.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/cli/verbs.hpp"
#include "control/protocol/change.hpp"
#include "control/protocol/problem.hpp"

namespace sluice::cli {

enum class Format { table, json, markdown, html };  // the last two: of report alone

struct Globals {
  std::string socket;      // empty: the default (client.hpp)
  std::string url;         // empty: the socket
  std::string token_file;  // for url
  Format format = Format::table;
};

struct CommandLine {
  Globals globals;
  protocol::ChangeOptions change;
  AnyVerb verb;
};

// Either a command to run, or a text to print and an exit code (help and version: stdout and done; else a
// problem).
struct Parse {
  std::optional<CommandLine> command;
  std::string text;
  std::optional<protocol::Problem> problem;
  Format format = Format::table;  // that the problem is to be printed in
};
Parse parse(std::vector<std::string> words);  // without the program's name

// The verbs that help and completion name, and the flags of one (with the global ones).
std::vector<std::string> verbs();
std::vector<std::string> flags_of(const std::string& verb);

}  // namespace sluice::cli
