#include "control/daemon/program.hpp"

#include <malloc.h>

#include <cstdio>
#include <string>
#include <vector>

#include "control/admin/tokens.hpp"
#include "control/daemon/command_line.hpp"
#include "control/daemon/daemon.hpp"
#include "control/daemon/man.hpp"
#include "control/demo/demo.hpp"
#include "control/protocol/version.hpp"
#include "proxy/config/load.hpp"
#include "proxy/config/notes.hpp"
#include "proxy/config/reference_page.hpp"

namespace sluice::daemon {
namespace {

constexpr int kUsage = 2;  // a wrong command line or configuration
// Bytes at the end of a thread's heap that stay the process's when they are free: OpenSSL gives its buffers
// back after each record, and pages that went back to the kernel cost a fault each when they are needed anew.
constexpr int kMostFree = 1024 * 1024;

int complain(const std::vector<config::Complaint>& complaints) {
  std::fprintf(stderr, "%s\n", config::text_of(complaints).c_str());
  return kUsage;
}

int check(const CommandLine& flags) {
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

int run(const CommandLine& flags, const std::vector<std::string>& arguments) {
  auto loaded = config::load_file(flags.config);
  if (!loaded.spec) return complain(loaded.complaints);
  DaemonOptions options;
  options.spec = std::move(*loaded.spec);
  options.config_file = flags.config;
  options.state_dir = flags.state_dir;
  options.log_level = flags.log_level;
  options.arguments = arguments;
  return run_daemon(std::move(options));
}

int run_demo(demo::Run wanted) {
  DaemonOptions options;
  options.spec = std::move(wanted.spec);
  options.log_level = std::move(wanted.log_level);
  options.on_ready = std::move(wanted.on_ready);
  return run_daemon(std::move(options));
}

int dispatch(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments[0] == "demo")
    return demo::run_demo({arguments.begin() + 1, arguments.end()}, run_demo);
  if (!arguments.empty() && arguments[0] == "try")
    return demo::run_try({arguments.begin() + 1, arguments.end()}, run_demo);
  if (arguments.size() == 2 && arguments[0] == "__man")  // which the installation calls
    return write_pages(man_pages(), arguments[1]) ? 0 : 1;
  if (arguments.size() == 1 && arguments[0] == "__reference") {  // docs/configuration.md
    std::fputs(config::reference_page(kReference).c_str(), stdout);
    return 0;
  }
  const auto [flags, error] = parse_command_line(arguments);
  if (!error.empty()) {
    std::fprintf(stderr, "sluiced: %s\nTry: sluiced --help\n", error.c_str());
    return kUsage;
  }
  switch (flags.action) {
    case CommandLine::Action::help:
      std::fputs(usage(), stdout);
      return 0;
    case CommandLine::Action::version:
      std::printf("sluiced %s\n", std::string(protocol::kVersion).c_str());
      return 0;
    case CommandLine::Action::check:
      return check(flags);
    case CommandLine::Action::run:
      return run(flags, arguments);
  }
  return 1;
}

}  // namespace

int run_program(int argc, char** argv) {
  ::mallopt(M_TRIM_THRESHOLD, kMostFree);
  return dispatch({argv + 1, argv + argc});
}

}  // namespace sluice::daemon
