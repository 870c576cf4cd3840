// The daemon's own log: asynchronous, to stderr, in a container to stdout; never the access log. Set up once
// by the main thread, used by any thread.
#pragma once

#include <string>

namespace sluice::daemon {

// `level` as in CommandLine::log_level. Where stderr is systemd's journal lines carry "<N>", the
// syslog priority, and no time.
void start_log(const std::string& level);
void stop_log();  // writes what is queued

}  // namespace sluice::daemon
