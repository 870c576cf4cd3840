#include "control/daemon/program.hpp"

int main(int argc, char** argv) { return sluice::daemon::run_program(argc, argv); }
