// Bytes in a Pipe, put there and taken out by a test.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/base/pipe.hpp"

namespace sluice {

class PipeLoader {
 public:
  PipeLoader() {
    std::signal(SIGPIPE, SIG_IGN);
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds_) != 0) std::abort();
  }
  ~PipeLoader() {
    ::close(fds_[0]);
    ::close(fds_[1]);
  }
  PipeLoader(const PipeLoader&) = delete;

  // Requires: `bytes` are fewer than a socket takes at once; the pipe is empty.
  void load(Pipe& pipe, std::string_view bytes) {
    if (::send(fds_[0], bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
    if (pipe.fill(fds_[1], bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  }
  std::string unload(Pipe& pipe) {
    std::string all;
    char some[65536];
    while (!pipe.empty()) {
      if (pipe.drain(fds_[1], false) <= 0) std::abort();
      for (ssize_t size; (size = ::recv(fds_[0], some, sizeof some, 0)) > 0;)
        all.append(some, static_cast<std::size_t>(size));
    }
    return all;
  }

 private:
  int fds_[2];
};

}  // namespace sluice
