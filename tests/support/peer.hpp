// Sockets in the hands of a test: never blocking, read whenever polled.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

// 127.0.0.1:`port`, as Stream::connect() takes it.
class LoopbackAddress {
 public:
  explicit LoopbackAddress(std::uint16_t port = 0) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(port);
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t size() const { return sizeof address_; }

 private:
  sockaddr_in address_{};
};

class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) { fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK); }
  Peer(const Peer&) = delete;
  ~Peer() { close(); }

  void send(std::string_view bytes) {
    outbox_.append(bytes);
    flush();
  }
  bool sent_all() const { return unsent() == 0; }
  std::size_t unsent() const { return outbox_.size() - sent_; }
  void poll() {
    flush();
    char room[16384];
    while (fd_ >= 0 && reading && !eof && !reset) {
      const auto size = ::recv(fd_, room, sizeof room, 0);
      if (size > 0) {
        got.append(room, static_cast<std::size_t>(size));
      } else if (size == 0) {
        eof = true;
      } else if (errno == EAGAIN) {
        return;
      } else {
        reset = true;
      }
    }
  }
  bool ended() const { return eof || reset; }
  void finish() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void abort() {  // RST
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  int fd() const { return fd_; }

  std::string got;
  bool eof = false, reset = false;
  bool reading = true;

 private:
  void flush() {
    while (fd_ >= 0 && !sent_all()) {
      const auto size = ::send(fd_, outbox_.data() + sent_, outbox_.size() - sent_, MSG_NOSIGNAL);
      if (size < 0 && errno == EAGAIN) return;
      sent_ = size < 0 ? outbox_.size() : sent_ + static_cast<std::size_t>(size);
    }
    outbox_.clear();
    sent_ = 0;
  }

  int fd_;
  std::string outbox_;
  std::size_t sent_ = 0;  // of it
};

// Listens on a free port of 127.0.0.1 and takes every connection.
class Origin {
 public:
  Origin() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd_, 128) != 0)
      throw std::runtime_error("no origin");
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  Origin(const Origin&) = delete;
  ~Origin() { stop(); }
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }

  void poll() {
    for (int fd; fd_ >= 0 && (fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;)
      peers_.push_back(std::make_unique<Peer>(fd));
    for (auto& peer : peers_) peer->poll();
  }
  void stop() {  // refuses from here on
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  std::size_t size() const { return peers_.size(); }
  Peer& operator[](std::size_t n) { return *peers_[n]; }
  std::uint16_t port() const { return port_; }
  int fd() const { return fd_; }

 private:
  int fd_;
  std::uint16_t port_ = 0;
  std::vector<std::unique_ptr<Peer>> peers_;
};

// Two ends of a TCP connection; the second does not block.
inline std::pair<int, int> tcp_pair() {
  Origin listener;
  const int ours = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Origin::loopback(listener.port());
  if (::connect(ours, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("connect");
  const int theirs = ::accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (theirs < 0) throw std::runtime_error("accept");
  const int on = 1;
  ::setsockopt(theirs, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // as a listener does
  return {ours, theirs};
}

}  // namespace sluice
