// sluicectl: parses its command line, runs one verb, exits by the contract's codes.
#pragma once

namespace sluice::cli {

// main() of sluicectl.
int run_program(int argc, char** argv);

}  // namespace sluice::cli
