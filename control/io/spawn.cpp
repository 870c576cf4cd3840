#include "control/io/spawn.hpp"

#include <signal.h>
#include <unistd.h>

#include <utility>

extern char** environ;

namespace sluice::io {
namespace {

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_with(std::vector<std::string> more) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry; ++entry) all.emplace_back(*entry);
  for (auto& entry : more) all.push_back(std::move(entry));
  return all;
}

}  // namespace

int spawn(Spawn what, posix_spawn_file_actions_t& files, pid_t& pid) {
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  const int group = what.own_group ? POSIX_SPAWN_SETPGROUP : 0;
  posix_spawnattr_setflags(&how, static_cast<short>(group | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  posix_spawnattr_setpgroup(&how, 0);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setsigdefault(&how, &all);
  auto variables = environment_with(std::move(what.environment));
  auto arguments = pointers_to(what.words), environment = pointers_to(variables);
  const int failure =
      ::posix_spawn(&pid, what.path.c_str(), &files, &how, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&how);
  return failure;
}

}  // namespace sluice::io
