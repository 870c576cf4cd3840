// Starts programs. Control thread only.
#pragma once

#include <spawn.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace sluice::io {

struct Spawn {
  std::string path;
  std::vector<std::string> words;        // its name, and its arguments
  std::vector<std::string> environment;  // "NAME=value", beside this process's own
  bool own_group = false;                // a process group of its own
};

// With all signals as they are by default, and the descriptors that `files` says, which is destroyed. An
// errno, or 0.
int spawn(Spawn what, posix_spawn_file_actions_t& files, pid_t& pid);

}  // namespace sluice::io
