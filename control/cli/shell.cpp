#include "control/cli/shell.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "proxy/base/shell_quoted.hpp"

extern char** environ;

namespace sluice::cli {

std::string filled(const std::string& command,
                   const std::vector<std::pair<std::string, std::string>>& values) {
  std::string out;
  for (std::size_t at = 0; at < command.size();) {
    bool replaced = false;
    for (const auto& [name, value] : values) {
      const std::string mark = "{" + name + "}";
      if (command.compare(at, mark.size(), mark) != 0) continue;
      out += shell_quoted(value);
      at += mark.size();
      replaced = true;
      break;
    }
    if (!replaced) out += command[at++];
  }
  return out;
}

int run_shell(const std::string& command) {
  constexpr int kSignal = 128, kNotStarted = 127;  // as shells do
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  std::string name = "sh", flag = "-c", text = command;
  char* const arguments[] = {name.data(), flag.data(), text.data(), nullptr};
  pid_t pid = 0;
  const int failure = ::posix_spawn(&pid, "/bin/sh", &files, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&files);
  if (failure != 0) return kNotStarted;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return kNotStarted;
  return WIFEXITED(status) ? WEXITSTATUS(status) : kSignal + WTERMSIG(status);
}

}  // namespace sluice::cli
