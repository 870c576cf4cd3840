// sluiced: command line, configuration, the daemon, exit code.
#pragma once

namespace sluice::daemon {

// main() of sluiced.
int run_program(int argc, char** argv);

}  // namespace sluice::daemon
