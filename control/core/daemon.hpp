// The daemon's life: start, signals, reload, shutdown (D6), exit code. Main thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "control/core/control.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::core {

// What serves the operator: control/admin behind an interface, because core does not know admin.
class Front : public Doors {
 public:
  virtual std::string open(const config::AdminSpec& spec) = 0;  // an error text, or empty
  virtual void close() = 0;                                     // ends all connections
};
using MakeFront = std::function<std::unique_ptr<Front>(boost::asio::io_context& loop, Control& control)>;

struct DaemonOptions {
  config::Spec spec;                     // checked
  std::string config_file;               // for reload; empty: there is none to reload
  std::optional<std::string> state_dir;  // instead of the configuration's
  std::string log_level = "info";
  std::string version;
  MakeFront front;                         // may be empty
  std::function<void(Control&)> on_ready;  // everything is open; may be empty
};

// Runs until a signal ends it. The exit code: 0 after a shutdown, 1 when it could not start.
int run_daemon(DaemonOptions options);

}  // namespace sluice::core
