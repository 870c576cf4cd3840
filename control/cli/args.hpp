// The command line as a value: what sluicectl was asked to do, or what it has to say instead. No socket, no
// environment.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "control/cli/advise.hpp"
#include "control/protocol/messages.hpp"
#include "control/protocol/traffic.hpp"

namespace sluice::cli {

enum class Format { table, json };

struct Globals {
  std::string socket;      // empty: the default (client.hpp)
  std::string url;         // empty: the socket
  std::string token_file;  // for url
  Format format = Format::table;
};

// The verbs whose message is not all there is to say, or that have none.
struct StatusVerb {
  std::string pattern;  // a service's name or a pattern of them; empty: all
  std::string sort;     // one of sort_keys(); empty: as configured
  bool watch = false, brief = false;
};
struct ReadyVerb {
  protocol::Target target;
};
struct MaintVerb {
  protocol::Target target;
};
struct WeightVerb {
  std::string backend;  // SERVICE/POOL/BACKEND, or a name that is unique over all services
  protocol::Weight message;
};
struct RemoveVerb {
  std::string backend;  // as above
  protocol::Remove message;
};
struct RolloutStartVerb {
  protocol::RolloutStart message;
  std::string file;  // --file: its text goes to the daemon
  bool follow = false;
};
struct RolloutActVerb {
  protocol::RolloutAct message;
};
struct RolloutStatusVerb {
  std::string service;
  bool follow = false;
};
struct RollingVerb {
  protocol::Target pool;
  std::string run, verify;  // shell commands; {backend} and {address} stand for what they are run for
  std::uint32_t batch = 1;
  std::optional<std::uint32_t> min_available;  // absent: the configuration's
  protocol::milliseconds drain_timeout = protocol::kDrainTimeout;
  protocol::milliseconds wait_healthy{60'000};
};
struct FlagVerb {
  std::string action;  // set, list, show, rm
  protocol::SetFlag message;
  std::optional<Share> share;  // of set
};
struct ReloadVerb {};
struct ReadyzVerb {};
struct CheckVerb {
  std::string file;
};
struct ConfigShowVerb {};
struct ImportVerb {
  std::string file;  // "-": standard input
};
struct AdviseVerb {
  Answers answers;  // that need not be asked
  AdviceNames names;
};
struct TokenVerb {
  std::string name, role = "admin";
};
struct CompletionVerb {
  std::string shell;
};
struct CompleteVerb {
  std::vector<std::string> words;  // after "sluicectl", the last one is being typed
};

using Verb =
    std::variant<StatusVerb, protocol::Split, protocol::Cutover, protocol::Rollback, protocol::Undo,
                 protocol::Redo, RolloutStartVerb, RolloutActVerb, RolloutStatusVerb, protocol::Confirm,
                 RollingVerb, protocol::Drain, ReadyVerb, MaintVerb, WeightVerb, protocol::Add, RemoveVerb,
                 protocol::Pause, protocol::Resume, protocol::Stop, FlagVerb, protocol::SetMirror,
                 protocol::MintPreview, protocol::Wait, protocol::Explain, protocol::History,
                 protocol::Events, ReloadVerb, ReadyzVerb, CheckVerb, ConfigShowVerb, ImportVerb, AdviseVerb,
                 TokenVerb, CompletionVerb, CompleteVerb>;

struct CommandLine {
  Globals globals;
  protocol::ChangeOptions change;
  Verb verb;
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
