#include "proxy/worker/listener.hpp"

#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace sluice::worker {
namespace {

constexpr auto kPause = std::chrono::milliseconds(100);  // without descriptors, as HAProxy waits
constexpr int kBatch = 64;                               // accepted before others get their turn

Tcp family_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return address.ss_family == AF_INET6 ? Tcp::v6() : Tcp::v4();
}

}  // namespace

Worker::Listener::Listener(Worker& worker, std::shared_ptr<const session::ListenerInfo> info, int fd)
    : worker_(worker), info_(std::move(info)), acceptor_(worker.io_, family_of(fd), fd), pause_(worker.io_) {
  ErrorCode ignored;
  acceptor_.native_non_blocking(true, ignored);
}

Worker::Listener::~Listener() { *alive_ = false; }

void Worker::Listener::wait() {
  acceptor_.async_wait(acceptor_.wait_read, [this, alive = alive_](const ErrorCode& error) {
    if (*alive && !error) accept_all();
  });
}

void Worker::Listener::accept_all() {
  for (int i = 0; i < kBatch; ++i) {
    const int fd = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      worker_.context_.counters.accept_errors.add();
      return pause();
    }
    worker_.context_.counters.accepted.add();
    if (info_->max_connections > 0 && info_->connections.load(std::memory_order_relaxed) >= info_->max_connections) {
      ::close(fd);
      worker_.context_.counters.accept_errors.add();
      continue;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    session::Session::start(worker_.context_, info_, fd, worker_.sessions_);
  }
  wait();
}

void Worker::Listener::pause() {
  spdlog::warn("listener {}: accepting paused for {} ms: {} (errno {})", info_->name, kPause.count(), std::strerror(errno), errno);
  pause_.expires_after(kPause);
  pause_.async_wait([this, alive = alive_](const ErrorCode& error) {
    if (*alive && !error) accept_all();
  });
}

}  // namespace sluice::worker
