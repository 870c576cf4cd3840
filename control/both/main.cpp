// sluiced and sluicectl in one program, which the name it is called by chooses: the container image is a
// tenth smaller for what the two share.
#include <string_view>

#include "control/cli/program.hpp"
#include "control/daemon/program.hpp"

int main(int argc, char** argv) {
  const std::string_view name = argc > 0 ? argv[0] : "";
  return name.ends_with("sluicectl") ? sluice::cli::run_program(argc, argv)
                                     : sluice::daemon::run_program(argc, argv);
}
