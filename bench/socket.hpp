// The few socket calls that the benchmark's own programs share. Failures end the program: nothing here serves
// users.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sluice::bench {

[[noreturn]] inline void die(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A non-blocking listener on 127.0.0.1; port 0 lets the kernel choose. Several may share one port
// (SO_REUSEPORT).
inline int listen_on(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("bind");
  if (::listen(fd, 4096) != 0) die("listen");
  return fd;
}

inline std::uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) die("getsockname");
  return ntohs(address.sin_port);
}

// The main of a proxy that serves until it is killed: UPSTREAM_PORT [PORT], and the port that it took on
// stdout.
template <class Server>
int serve(const char* name, int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s UPSTREAM_PORT [PORT]\n", name);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  const auto upstream_port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  Server server(static_cast<std::uint16_t>(argc > 2 ? std::atoi(argv[2]) : 0), upstream_port);
  std::printf("%u\n", server.port());
  std::fflush(stdout);
  server.run();
}

// The next waiting client, non-blocking and without Nagle's delay; -1 when there is none.
inline int accept_from(int listener) {
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return -1;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

// A connection to 127.0.0.1:port that may still be under way; -1 when it failed at once.
inline int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  const int status = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (status == 0 || errno == EINPROGRESS) return fd;
  ::close(fd);
  return -1;
}

}  // namespace sluice::bench
