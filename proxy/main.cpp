// sluiced: flags, configuration, the daemon, exit code.
#include <cstdio>
#include <string>
#include <vector>

#include "control/admin/server.hpp"
#include "control/admin/tokens.hpp"
#include "control/core/daemon.hpp"
#include "control/core/flags.hpp"
#include "control/demo/demo.hpp"
#include "control/protocol/version.hpp"
#include "proxy/config/load.hpp"
#include "proxy/config/notes.hpp"

namespace {

using namespace sluice;

constexpr int kUsage = 2;  // a wrong command line or configuration

int complain(const std::vector<config::Complaint>& complaints) {
  for (const auto& complaint : complaints) std::fprintf(stderr, "%s\n", complaint.text().c_str());
  return kUsage;
}

int check(const core::Flags& flags) {
  const auto loaded = config::load_file(flags.config);
  if (!loaded.spec) return complain(loaded.complaints);
  if (const auto error = admin::token_files_error(loaded.spec->admin); !error.empty()) {
    std::fprintf(stderr, "%s: %s\n", flags.config.c_str(), error.c_str());
    return kUsage;
  }
  std::printf("%s: configuration is valid\n", flags.config.c_str());
  std::fflush(stdout);
  for (const auto& note : config::notes(*loaded.spec))
    std::fprintf(stderr, "%s\n", config::note_text(note).c_str());
  return 0;
}

core::DaemonOptions daemon_options() {
  core::DaemonOptions options;
  options.version = protocol::kVersion;
  options.front = [](boost::asio::io_context& loop, core::Control& control) -> std::unique_ptr<core::Front> {
    return std::make_unique<admin::Server>(loop, control);
  };
  return options;
}

int run(const core::Flags& flags) {
  auto loaded = config::load_file(flags.config);
  if (!loaded.spec) return complain(loaded.complaints);
  core::DaemonOptions options = daemon_options();
  options.spec = std::move(*loaded.spec);
  options.config_file = flags.config;
  options.state_dir = flags.state_dir;
  options.log_level = flags.log_level;
  return core::run_daemon(std::move(options));
}

int dispatch(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments[0] == "demo")
    return demo::run_demo({arguments.begin() + 1, arguments.end()}, daemon_options());
  if (!arguments.empty() && arguments[0] == "try")
    return demo::run_try({arguments.begin() + 1, arguments.end()}, daemon_options());
  const auto [flags, error] = core::parse_flags(arguments);
  if (!error.empty()) {
    std::fprintf(stderr, "sluiced: %s\nTry: sluiced --help\n", error.c_str());
    return kUsage;
  }
  switch (flags.action) {
    case core::Flags::Action::help:
      std::fputs(core::usage(), stdout);
      return 0;
    case core::Flags::Action::version:
      std::printf("sluiced %s\n", std::string(protocol::kVersion).c_str());
      return 0;
    case core::Flags::Action::check:
      return check(flags);
    case core::Flags::Action::run:
      return run(flags);
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) { return dispatch({argv + 1, argv + argc}); }
