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
// megabytes that its send buffer may grow to; so a client that does not read is noticed as well. Under
// slowhttptest's slow read (`./dev chaos --slow`) 64 KiB cost half of the processor time of 256 KiB, and the
// throughput of whole downloads is the same (4 MB answers on loopback, in turns).
constexpr int kMostUnsent = 64 * 1024;

constexpr auto kPause = std::chrono::milliseconds(100);  // without descriptors, as HAProxy waits
constexpr int kBatch = 64;                               // accepted before others get their turn

}  // namespace

Worker::Listener::Listener(Worker& worker, std::uint64_t id, std::shared_ptr<const client::ListenerInfo> info,
                           int fd)
    : Deadline(worker.context_.wheel), worker_(worker), id_(id), info_(std::move(info)), fd_(fd) {
  // The sockets that it accepts inherit these: two system calls less for each connection.
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kMostUnsent, sizeof kMostUnsent);
  if (!worker_.context_.poller.add(fd_, *this))
    spdlog::error("listener {}: cannot be watched: {} (errno {})", info_->spec.name, std::strerror(errno),
                  errno);
}

Worker::Listener::~Listener() {
  info_->connections->fetch_sub(static_cast<std::uint32_t>(header_readers_.size()),
                                std::memory_order_relaxed);
  close_socket();
}

void Worker::Listener::close_socket() {
  if (fd_ < 0) return;
  worker_.context_.poller.remove(fd_, *this);
  ::close(std::exchange(fd_, -1));
  disarm();
}

void Worker::Listener::leave(Leave how) {
  while (accept_next()) {
  }
  state_ = State::leaving;
  if (how == Leave::stop_listening) ::shutdown(fd_, SHUT_RDWR);  // others hold the socket too
  if (how == Leave::linger) expires_after(kLinger);
}

void Worker::Listener::expired() {
  if (state_ == State::leaving) return worker_.forget(*this);
  state_ = State::open;  // the pause is over
  accept_some();
}

void Worker::Listener::accept_some() {
  for (int i = 0; i < kBatch; ++i)
    if (!accept_next()) return;
  worker_.context_.poller.defer(*this);
}

// False when none is there, or none can be taken now.
bool Worker::Listener::accept_next() {
  while (true) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const int fd = ::accept4(fd_, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) return accept_one(fd, ip_port_of(peer)), true;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    const bool over = errno == EINVAL;  // a socket that all workers share listens no longer
    if (errno != EAGAIN && errno != EWOULDBLOCK && !over) pause();
    return false;
  }
}

void Worker::Listener::pause() {
  worker_.context_.counters.accept_errors.add();
  if (!std::exchange(starved_, true))  // once: a flood of clients makes no flood of lines
    spdlog::warn("listener {}: accepting pauses until there are descriptors again: {} (errno {})",
                 info_->spec.name, std::strerror(errno), errno);
  if (state_ == State::leaving) return;  // which has its own end
  state_ = State::paused;
  expires_after(kPause);
}

void Worker::Listener::accept_one(int fd, const IpPort& peer) {
  if (std::exchange(starved_, false)) spdlog::info("listener {}: accepting goes on", info_->spec.name);
  auto& counters = worker_.context_.counters;
  counters.accepted.add();
  if (info_->spec.max_connections > 0 &&
      info_->connections->load(std::memory_order_relaxed) >= info_->spec.max_connections) {
    ::close(fd);
    counters.over_connection_limit.add();
    return;
  }
  if (info_->spec.proxy_protocol && !contains(info_->spec.trusted_proxies, peer.ip)) {
    ::close(fd);
    counters.bad_proxy_header.add();
    return;
  }
  if (info_->spec.proxy_protocol) return await_header(fd, peer);
  const PeerInfo caller{peer, {}};
  client::Connection::start(worker_.context_, worker_.handler_, info_, fd, caller, worker_.connections_);
}

// Counted as a connection meanwhile, so that those who never send their header are limited like all others.
void Worker::Listener::await_header(int fd, const IpPort& peer) {
  const auto connections = info_->connections;
  connections->fetch_add(1, std::memory_order_relaxed);
  const auto place = header_readers_.emplace(header_readers_.end(), nullptr);
  *place = std::make_unique<net::ProxyHeaderReader>(
      worker_.context_.poller, worker_.context_.wheel, fd, peer, info_->spec.header_timeout,
      [this, connections, place](int taken, const PeerInfo& caller) {
        connections->fetch_sub(1, std::memory_order_relaxed);
        header_readers_.erase(place);
        if (taken < 0) return worker_.context_.counters.bad_proxy_header.add();
        client::Connection::start(worker_.context_, worker_.handler_, info_, taken, caller,
                                  worker_.connections_);
      });
}

}  // namespace sluice::worker
