#include "proxy/worker/listener.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice::worker {
namespace {

// X4: of an answer's bytes the kernel keeps so many that the client has not made room for, and not the
// megabytes that its send buffer may grow to; so a client that does not read is noticed as well.
constexpr int kMostUnsent = 256 * 1024;

constexpr auto kPause = std::chrono::milliseconds(100);  // without descriptors, as HAProxy waits
constexpr int kBatch = 64;                               // accepted before others get their turn

}  // namespace

Worker::Listener::Listener(Worker& worker, std::shared_ptr<const session::ListenerInfo> info, int fd)
    : Deadline(worker.context_.wheel), worker_(worker), info_(std::move(info)), fd_(fd) {
  if (!worker_.context_.poller.add(fd_, *this))
    spdlog::error("listener {}: cannot be watched: {} (errno {})", info_->name, std::strerror(errno), errno);
}

Worker::Listener::~Listener() {
  worker_.context_.poller.remove(fd_, *this);
  ::close(fd_);
}

void Worker::Listener::accept_some() {
  for (int i = 0; i < kBatch; ++i) {
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      accept_one(fd);
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    worker_.context_.counters.accept_errors.add();
    if (!std::exchange(starved_, true))  // once: a flood of clients makes no flood of lines
      spdlog::warn("listener {}: accepting pauses until there are descriptors again: {} (errno {})",
                   info_->name, std::strerror(errno), errno);
    return expires_after(kPause);
  }
  worker_.context_.poller.defer(*this);
}

void Worker::Listener::accept_one(int fd) {
  if (std::exchange(starved_, false)) spdlog::info("listener {}: accepting goes on", info_->name);
  auto& counters = worker_.context_.counters;
  counters.accepted.add();
  if (info_->max_connections > 0 &&
      info_->connections->load(std::memory_order_relaxed) >= info_->max_connections) {
    ::close(fd);
    counters.over_connection_limit.add();
    return;
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kMostUnsent, sizeof kMostUnsent);
  session::Session::start(worker_.context_, info_, fd, worker_.sessions_);
}

}  // namespace sluice::worker
