// Listening sockets: bound here, or inherited (LISTEN_FDS). Control thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::net {

// One listening socket per worker.
struct Bound {
  std::vector<int> fds;
  std::uint16_t port = 0;
  std::string error;  // a sentence with the address and the errno; then there are no fds
  void close();
};

// Binds `host`:`port` `count` times with SO_REUSEPORT; the kernel spreads connections over them. Port 0 takes
// a free one. An address that anybody listens on already is an error, although SO_REUSEPORT would let two of
// us share it.
Bound bind(const std::string& listener, const std::string& host, std::uint16_t port, std::size_t count);

// `count` copies of a listening socket that was passed in. Takes `fd`.
Bound adopt(int fd, std::size_t count);

// Whether `fd` is a listening socket bound to that address.
bool listens_on(int fd, const std::string& host, std::uint16_t port);

}  // namespace sluice::net
