// floor: a blind TCP forwarder, the least that any proxy on this kernel can cost. One thread, edge-triggered
// epoll, one upstream connection for each client connection; it never looks at a byte. A request costs it
// four system calls: recv and send there, recv and send back. Sluice's CPU per request is measured against
// this program's in the same run.
//
//   floor UPSTREAM_PORT [PORT]      forwards 127.0.0.1:PORT (0: the kernel's choice, printed) to
//   127.0.0.1:UPSTREAM_PORT
#include <sys/epoll.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "bench/socket.hpp"

namespace {

using namespace sluice::bench;

constexpr std::size_t kBuffer =
    16 * 1024;  // larger than any message here: a short recv then means "nothing more"
constexpr int kEvents = 256;

struct Pair;

// One end of a forwarded connection.
struct End {
  int fd = -1;
  bool finished = false;  // its last byte was read and handed on
  std::string unsent;     // what the other end sent and this one would not take yet
  End* peer = nullptr;
  Pair* pair = nullptr;
};

struct Pair {
  End client, upstream;
  bool dead = false;
  ~Pair() {
    ::close(client.fd);
    ::close(upstream.fd);
  }
};

enum class Flow { idle, blocked, broken };

Flow give(End& to, const char* data, std::size_t size) {
  const ssize_t sent = ::send(to.fd, data, size, MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(size)) return Flow::idle;
  if (sent < 0 && errno != EAGAIN) return Flow::broken;
  const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
  to.unsent.assign(data + taken, size - taken);
  return Flow::blocked;
}

Flow flush(End& to) {
  if (to.unsent.empty()) return Flow::idle;
  const std::string waiting = std::move(to.unsent);
  to.unsent.clear();
  return give(to, waiting.data(), waiting.size());
}

// Moves what `from` has to its peer until there is nothing more or the peer takes no more. `ended`: the
// kernel has said that `from` will send nothing after what is there, so that a short recv must be followed by
// the one that returns 0.
Flow pump(End& from, bool ended) {
  static std::array<char, kBuffer> buffer;
  if (const Flow flow = flush(*from.peer); flow != Flow::idle) return flow;
  while (!from.finished) {
    const ssize_t got = ::recv(from.fd, buffer.data(), buffer.size(), 0);
    if (got < 0) return errno == EAGAIN ? Flow::idle : Flow::broken;
    if (got == 0) {
      from.finished = true;
      ::shutdown(from.peer->fd, SHUT_WR);
      return Flow::idle;
    }
    const auto size = static_cast<std::size_t>(got);
    if (const Flow flow = give(*from.peer, buffer.data(), size); flow != Flow::idle) return flow;
    if (size < buffer.size() && !ended) return Flow::idle;
  }
  return Flow::idle;
}

class Forwarder {
 public:
  Forwarder(std::uint16_t port, std::uint16_t upstream_port)
      : listener_(listen_on(port)), upstream_port_(upstream_port), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) die("epoll_create1");
    watch(listener_, EPOLLIN, nullptr);
  }

  std::uint16_t port() const { return port_of(listener_); }

  [[noreturn]] void run() {
    std::array<epoll_event, kEvents> events;
    while (true) {
      const int count = ::epoll_wait(epoll_, events.data(), kEvents, -1);
      if (count < 0 && errno != EINTR) die("epoll_wait");
      for (int i = 0; i < count; ++i) handle(events[static_cast<std::size_t>(i)]);
      graveyard_.clear();  // only now: a later event of the same batch may have named one of them
    }
  }

 private:
  void handle(const epoll_event& event) {
    auto* end = static_cast<End*>(event.data.ptr);
    if (end == nullptr) return accept_all();
    if (end->pair->dead) return;
    const bool ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    Flow flow = Flow::idle;
    if (event.events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) flow = pump(*end, ended);
    // The peer's bytes that this end now takes; and, edges being told once, what the peer has sent since.
    if (flow != Flow::broken && (event.events & EPOLLOUT) && !end->unsent.empty())
      flow = pump(*end->peer, true);
    if (flow == Flow::broken || (end->finished && end->peer->finished)) bury(*end->pair);
  }

  void accept_all() {
    for (int fd = accept_from(listener_); fd >= 0; fd = accept_from(listener_)) {
      const int upstream = connect_to(upstream_port_);
      if (upstream < 0) {
        ::close(fd);
        continue;
      }
      auto* pair = new Pair;  // owned by the two epoll registrations until bury()
      pair->client = End{fd, false, {}, &pair->upstream, pair};
      pair->upstream = End{upstream, false, {}, &pair->client, pair};
      constexpr std::uint32_t kAll = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
      watch(fd, kAll, &pair->client);
      watch(upstream, kAll, &pair->upstream);
    }
  }

  void bury(Pair& pair) {
    pair.dead = true;
    graveyard_.emplace_back(&pair);
  }

  void watch(int fd, std::uint32_t what, End* end) {
    epoll_event event{};
    event.events = what;
    event.data.ptr = end;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
  }

  int listener_;
  std::uint16_t upstream_port_;
  int epoll_;
  std::vector<std::unique_ptr<Pair>> graveyard_;
};

}  // namespace

int main(int argc, char** argv) { return serve<Forwarder>("floor", argc, argv); }
