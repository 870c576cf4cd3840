#include "proxy/net/proxy_header_reader.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sluice::net {

ProxyHeaderReader::ProxyHeaderReader(Poller& poller, TimerWheel& wheel, int fd, IpPort peer,
                                     std::chrono::milliseconds limit, Done done)
    : Deadline(wheel), poller_(poller), fd_(fd), peer_(peer), done_(std::move(done)) {
  poller_.add(fd_, *this);  // refused by the kernel: the time limit ends it
  expires_after(limit);
}

ProxyHeaderReader::~ProxyHeaderReader() {
  if (fd_ < 0) return;
  poller_.remove(fd_, *this);
  ::close(fd_);
}

void ProxyHeaderReader::on_events(std::uint32_t events) {
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
    look(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
}

void ProxyHeaderReader::look(bool ended) {
  char bytes[kMaxProxyHeader];
  ssize_t got;
  do {
    got = ::recv(fd_, bytes, sizeof bytes, MSG_PEEK);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && !ended) return;
  const ProxyHeader header = read_proxy_header({bytes, static_cast<std::size_t>(std::max<ssize_t>(got, 0))});
  using Status = ProxyHeader::Status;
  if (header.status == Status::malformed || (header.status == Status::more && (ended || got <= 0)))
    return refuse();
  if (header.status == Status::more) return;
  if (::recv(fd_, bytes, header.size, 0) != static_cast<ssize_t>(header.size)) return refuse();
  poller_.remove(fd_, *this);
  PeerInfo caller{peer_, {}};
  if (!header.local) caller = {header.ends.source, header.ends.destination};
  const Done done = std::move(done_);
  done(std::exchange(fd_, -1), caller);
}

void ProxyHeaderReader::refuse() {
  poller_.remove(fd_, *this);
  ::close(std::exchange(fd_, -1));
  const Done done = std::move(done_);
  done(-1, {});
}

}  // namespace sluice::net
