#include "control/daemon/container.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

namespace sluice::daemon {

bool leads_container() {
  std::string first;
  std::getline(std::ifstream("/proc/1/comm"), first);
  return leads_container(::getpid(), ::getppid(), first);
}

bool leads_container(int pid, int parent, std::string_view first) {
  static constexpr std::string_view kInits[] = {"docker-init", "catatonit", "tini", "dumb-init"};
  return pid == 1 ||
         (parent == 1 && std::find(std::begin(kInits), std::end(kInits), first) != std::end(kInits));
}

}  // namespace sluice::daemon
