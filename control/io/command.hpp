// A command of the operator's, run by /bin/sh in a process group of its own: all of the group is killed when
// the time is over, when the command itself has ended, and when this process ends. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace sluice::io {

struct CommandResult {
  enum class End : std::uint8_t { exited, killed_by_signal, timed_out, not_started } end = End::not_started;
  int code = 0;        // the exit code, or the signal's number
  std::string output;  // the end of what it said on stdout and stderr, at most 2 KiB, without control bytes
  std::string text() const;  // "exit 1: no such table", "no end within 60s"
  std::chrono::milliseconds limit{0};
};

using Environment = std::vector<std::pair<std::string, std::string>>;

// With `more` added to this process's environment, stdin empty. Never throws.
boost::asio::awaitable<CommandResult> run_command(boost::asio::any_io_executor loop, std::string command,
                                                  Environment more, std::chrono::milliseconds limit);

}  // namespace sluice::io
