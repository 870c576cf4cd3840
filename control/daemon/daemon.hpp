// The daemon's life: start, signals, reload, shutdown (D6), exit code. Main thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/change/control.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::daemon {

struct DaemonOptions {
  config::Spec spec;                     // checked
  std::string config_file;               // for reload; empty: there is none to reload
  std::optional<std::string> state_dir;  // instead of the configuration's
  std::string log_level = "info";
  std::vector<std::string> arguments;  // of this process, for one that takes its place
  // Everything is open, admin.http at this port (0: it is not); may be empty.
  std::function<void(change::Control&, std::uint16_t admin_port)> on_ready;
};

// Runs until a signal ends it. The exit code: 0 after a shutdown, 1 when it could not start.
int run_daemon(DaemonOptions options);

}  // namespace sluice::daemon
