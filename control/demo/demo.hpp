// `sluiced demo` and `sluiced try`: the daemon without a configuration file, so that a newcomer sees a split
// change within a minute.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "control/change/control.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::demo {

// What the demo asks of the daemon: to run this configuration until a signal ends it.
struct Run {
  config::Spec spec;
  std::string log_level;
  std::function<void(change::Control&, std::uint16_t admin_port)> on_ready;  // everything is open
};
using RunDaemon = std::function<int(Run)>;  // the exit code

// Arguments after the word `demo` or `try`. The exit code: 0, 1, or 2 for a wrong command line.
int run_demo(const std::vector<std::string>& arguments, const RunDaemon& run_daemon);
int run_try(const std::vector<std::string>& arguments, const RunDaemon& run_daemon);

}  // namespace sluice::demo
