// Who listens on a port already, for messages, and to see a stranger where SO_REUSEPORT would let him share
// it. Read from /proc of this network namespace. Control thread; blocks.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace sluice::net {

struct Holder {
  std::uint64_t inode = 0;
  std::uint32_t uid = 0;
  int pid = 0;          // 0: not to be seen by this user
  std::string program;  // "nginx"; empty when pid is 0
};

// Somebody who listens on the same address or one that covers it or is covered, and by none of the sockets
// with the inodes `ours`. With `both` also on IPv6's "any", which may take IPv4 as well.
enum class Families : std::uint8_t { same, both };
std::optional<Holder> find_holder(const sockaddr_storage& address, std::span<const std::uint64_t> ours,
                                  Families families);

// "nginx (pid 123)", "a process of uid 33".
std::string to_string(const Holder& holder);

}  // namespace sluice::net
