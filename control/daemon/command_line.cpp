#include "control/daemon/command_line.hpp"

#include <algorithm>

#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"

namespace sluice::daemon {
namespace {

const std::vector<std::string> kFlags = {"--config",    "--check",   "--state-dir",
                                         "--log-level", "--version", "--help"};
const std::vector<std::string> kLevels = {"trace", "debug", "info", "warning", "error"};

struct Argument {
  std::string name;
  std::optional<std::string> value;  // behind "="
};

Argument split(const std::string& text) {
  const auto equals = text.find('=');
  if (!text.starts_with("--") || equals == std::string::npos) return {text, std::nullopt};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

// Sets what the flag says; an error text, or empty.
std::string set_value(CommandLine& flags, const std::string& name, const std::string& value) {
  if (value.empty()) return name + " needs a value";
  if (name == "--config") flags.config = value;
  if (name == "--state-dir") flags.state_dir = value;
  if (name != "--log-level") return {};
  if (std::find(kLevels.begin(), kLevels.end(), value) == kLevels.end())
    return with_suggestion("--log-level is one of " + list_of(kLevels) + ", not " + quoted(value),
                           suggest(value, kLevels));
  flags.log_level = value;
  return {};
}

// --help and --version are not overruled by --check.
void set_action(CommandLine& flags, const std::string& name) {
  using Action = CommandLine::Action;
  if (name == "--help" || name == "-h") flags.action = Action::help;
  if (name == "--version" || name == "-V") flags.action = Action::version;
  if (name == "--check" && flags.action == Action::run) flags.action = Action::check;
}

bool takes_value(const std::string& name) {
  return name == "--config" || name == "--state-dir" || name == "--log-level";
}

bool is_action(const std::string& name) {
  return name == "--check" || name == "--version" || name == "-V" || name == "--help" || name == "-h";
}

std::string unknown(const std::string& name) {
  if (!name.starts_with('-'))
    return with_suggestion(quoted(name) + " is no command",
                           suggest(name, std::vector<std::string>{"demo", "try"}));
  return with_suggestion(quoted(name) + " is no flag of sluiced", suggest(name, kFlags));
}

}  // namespace

ParsedCommandLine parse_command_line(const std::vector<std::string>& arguments) {
  ParsedCommandLine parsed;
  for (std::size_t i = 0; i < arguments.size() && parsed.error.empty(); ++i) {
    Argument argument = split(arguments[i]);
    if (is_action(argument.name)) {
      if (argument.value) parsed.error = argument.name + " takes no value";
      set_action(parsed.flags, argument.name);
    } else if (takes_value(argument.name)) {
      if (!argument.value && i + 1 < arguments.size()) argument.value = arguments[++i];
      parsed.error = set_value(parsed.flags, argument.name, argument.value.value_or(""));
    } else {
      parsed.error = unknown(argument.name);
    }
  }
  return parsed;
}

const char* usage() {
  return R"(sluiced, a traffic-shifting HTTP proxy

  sluiced [--config FILE] [--state-dir DIR] [--log-level LEVEL]
  sluiced --check [--config FILE]
  sluiced demo [--fail POOL=SHARE] [--load RATE/s] [--story]
  sluiced try --to POOL=HOST:PORT --to POOL=HOST:PORT

  --config FILE      the configuration; /etc/sluice/sluice.yaml
  --check            say what is wrong with the configuration, and exit: 0 valid, 2 not
  --state-dir DIR    where run-time changes are kept, instead of the configuration's state_dir
  --log-level LEVEL  trace, debug, info, warning or error; info
  --version          print the version
  --help             print this

Signals: TERM and INT drain and exit, HUP reloads the configuration, USR1 reopens the logs,
USR2 starts the program anew, which takes over (sluicectl upgrade).
)";
}

}  // namespace sluice::daemon
