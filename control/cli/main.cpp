// sluicectl: parses its command line, runs one verb, exits by the contract's codes.
#include <csignal>
#include <string>
#include <vector>

#include "control/cli/args.hpp"
#include "control/cli/print.hpp"
#include "control/cli/run.hpp"

int main(int argc, char** argv) {
  using namespace sluice::cli;
  std::signal(SIGPIPE, SIG_IGN);  // `sluicectl events -f | head` ends by a failed write
  const auto parsed = parse(std::vector<std::string>(argv + 1, argv + argc));
  Output output(parsed.command ? parsed.command->globals.format : parsed.format);
  if (parsed.problem) return output.fail(*parsed.problem);
  if (!parsed.command) return output.say(parsed.text);
  return run(*parsed.command, output);
}
