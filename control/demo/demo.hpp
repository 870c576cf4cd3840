// `sluiced demo` and `sluiced try`: the daemon without a configuration file, so that a newcomer sees a split
// change within a minute.
#pragma once

#include <string>
#include <vector>

#include "control/core/daemon.hpp"

namespace sluice::demo {

// Arguments after the word `demo` or `try`. The exit code: 0, 1, or 2 for a wrong command line.
int run_demo(const std::vector<std::string>& arguments, core::DaemonOptions options);
int run_try(const std::vector<std::string>& arguments, core::DaemonOptions options);

}  // namespace sluice::demo
