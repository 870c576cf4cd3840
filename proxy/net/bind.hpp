// Listening sockets: bound here, or inherited (LISTEN_FDS). Control thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::net {

// The listening sockets of this process, beside which there is room for others of its own.
struct Ours {
  std::vector<int> sockets;
  std::vector<std::uint64_t> leaving;  // inodes of those that take no new connections any more
};
// 0 when there is no such descriptor.
std::uint64_t inode_of(int fd);

// One socket per worker, bound; it listens from listen() on.
struct Bound {
  std::vector<int> fds;
  std::uint16_t port = 0;
  std::string error;  // a sentence with the address, the errno and who has it; then there are no fds
  void close();
};

// Binds `host`:`port` `count` times with SO_REUSEPORT; the kernel spreads connections over them. Port 0 takes
// a free one. An address that anybody but `ours` listens on already is an error, although SO_REUSEPORT would
// let two of us share it.
Bound bind(const std::string& listener, const std::string& host, std::uint16_t port, std::size_t count,
           const Ours& ours = {});

// Copies of listening sockets of one address that were passed in: of each, and of some more than one if there
// are fewer than `least`.
Bound adopt(const std::vector<int>& fds, std::size_t least);

// An error text, or empty. Somebody who has begun to listen there since bind() is an error too.
std::string listen(const std::string& listener, const Bound& bound, const Ours& ours = {});

// Whether `fd` is a socket bound to that address.
bool listens_on(int fd, const std::string& host, std::uint16_t port);
// Whether two sockets are bound to the same address.
bool same_address(int one, int other);
bool is_v6(int fd);
// 0 when it is no socket of TCP.
std::uint16_t port_of(int fd);

// No connection begins on this listening socket from here on; those that have begun complete, and are there
// to be accepted. False when the kernel cannot do that.
bool turn_away(int fd);
// Sockets that were bound without SO_REUSEPORT let others beside them from here on.
void let_others_beside(int fd);

}  // namespace sluice::net
