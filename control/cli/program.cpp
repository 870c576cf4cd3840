#include "control/cli/program.hpp"

#include <csignal>
#include <string>
#include <vector>

#include "control/cli/args.hpp"
#include "control/cli/print.hpp"
#include "control/cli/run.hpp"

namespace sluice::cli {

int run_program(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // `sluicectl events -f | head` ends by a failed write
  const auto parsed = parse(std::vector<std::string>(argv + 1, argv + argc));
  Output output(parsed.command ? parsed.command->globals.format : parsed.format);
  if (parsed.problem) return output.fail(*parsed.problem);
  if (!parsed.command) return output.say(parsed.text);
  return run(*parsed.command, output);
}

}  // namespace sluice::cli
