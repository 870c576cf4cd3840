// origin: the backend of the benchmarks. It answers each request head with the same 200, as fast as one
// thread can, and keeps connections alive; pipelined requests get one send. It counts blank lines instead of
// parsing, so that as little as possible of the shared core goes to it: each request has a body of as many
// bytes as --upload says (none), and is answered when that is here.
//
//   origin [--port N] [--threads N] [--body BYTES] [--upload BYTES]      port 0, the default: the kernel's
//   choice, printed on stdout
//
// At each SIGUSR1 it prints how many connections it has accepted and how many requests it has answered, so
// that a benchmark can hold proxies to equal work.
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cinttypes>
#include <csignal>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/numbers.hpp"
#include "bench/socket.hpp"

namespace {

using namespace sluice::bench;

constexpr int kEvents = 256;

struct Options {
  unsigned long port = 0, threads = 1;
  unsigned long body = 128;  // bytes of each answer's
  unsigned long upload = 0;  // bytes of each request's
};

struct Client {
  int fd;
  unsigned matched = 0;          // bytes of "\r\n\r\n" seen at the end of what came so far
  std::size_t body_to_come = 0;  // of the request whose head is here
  std::string unsent;
};

// Of all threads.
struct Counts {
  std::atomic<std::uint64_t> connections = 0, requests = 0;
};

std::string make_answer(std::size_t body) {
  return "HTTP/1.1 200 OK\r\nServer: origin\r\nContent-Type: text/plain\r\nContent-Length: " +
         std::to_string(body) + "\r\n\r\n" + std::string(body, 'x');
}

// How many heads end in `data`, a head may have begun in an earlier piece.
unsigned count_heads(Client& client, std::string_view data) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  unsigned heads = 0;
  for (const char c : data) {
    if (c == kEnd[client.matched]) {
      if (++client.matched == kEnd.size()) {
        ++heads;
        client.matched = 0;
      }
    } else {
      client.matched = c == '\r' ? 1 : 0;
    }
  }
  return heads;
}

// How many requests whose bodies have `upload` bytes (one at least) end in `data`.
unsigned count_uploads(Client& client, std::string_view data, std::size_t upload) {
  unsigned requests = 0;
  while (!data.empty()) {
    if (client.body_to_come == 0) {
      if (count_heads(client, data.substr(0, 1)) != 0) client.body_to_come = upload;
      data.remove_prefix(1);
      continue;
    }
    const std::size_t size = std::min(client.body_to_come, data.size());
    client.body_to_come -= size;
    requests += client.body_to_come == 0;
    data.remove_prefix(size);
  }
  return requests;
}

class Server {
 public:
  Server(int listener, const std::string& answer, std::size_t upload, Counts& counts)
      : listener_(listener),
        answer_(answer),
        upload_(upload),
        counts_(counts),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) die("epoll_create1");
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN, nullptr);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, kEvents> events;
    while (true) {
      const int count = ::epoll_wait(epoll_, events.data(), kEvents, -1);
      if (count < 0 && errno != EINTR) die("epoll_wait");
      for (int i = 0; i < count; ++i) handle(events[static_cast<std::size_t>(i)]);
    }
  }

 private:
  void handle(const epoll_event& event) {
    auto* client = static_cast<Client*>(event.data.ptr);
    if (client == nullptr) return accept_all();
    const bool alive = client->unsent.empty() ? answer(*client) : send_rest(*client);
    if (alive) return;
    ::close(client->fd);
    delete client;
  }

  void accept_all() {
    for (int fd = accept_from(listener_); fd >= 0; fd = accept_from(listener_)) {
      counts_.connections.fetch_add(1, std::memory_order_relaxed);
      watch(EPOLL_CTL_ADD, fd, EPOLLIN, new Client{fd, 0, 0, {}});  // deleted in handle()
    }
  }

  bool answer(Client& client) {
    const ssize_t got = ::recv(client.fd, buffer_.data(), buffer_.size(), 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    const std::string_view data(buffer_.data(), static_cast<std::size_t>(got));
    const unsigned requests = upload_ == 0 ? count_heads(client, data) : count_uploads(client, data, upload_);
    if (requests == 0) return true;
    counts_.requests.fetch_add(requests, std::memory_order_relaxed);
    if (requests == 1) return send(client, answer_);
    std::string answers;
    for (unsigned i = 0; i < requests; ++i) answers += answer_;
    return send(client, answers);
  }

  // False when the client is gone. What it does not take now waits for EPOLLOUT, and nothing is read
  // meanwhile.
  bool send(Client& client, std::string_view data) {
    const ssize_t sent = ::send(client.fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(data.size())) return true;
    if (sent < 0 && errno != EAGAIN) return false;
    client.unsent = data.substr(sent < 0 ? 0 : static_cast<std::size_t>(sent));
    watch(EPOLL_CTL_MOD, client.fd, EPOLLOUT, &client);
    return true;
  }

  bool send_rest(Client& client) {
    const std::string waiting = std::move(client.unsent);
    client.unsent.clear();
    watch(EPOLL_CTL_MOD, client.fd, EPOLLIN, &client);
    return send(client, waiting);
  }

  void watch(int operation, int fd, std::uint32_t what, Client* client) {
    epoll_event event{};
    event.events = what;
    event.data.ptr = client;
    if (::epoll_ctl(epoll_, operation, fd, &event) != 0) die("epoll_ctl");
  }

  int listener_;
  const std::string& answer_;
  std::size_t upload_;
  Counts& counts_;
  int epoll_;
  std::array<char, 64 * 1024> buffer_;
};

Options parse(int argc, char** argv) {
  Options options;
  read_numbers(argc, argv,
               {{"--port", options.port},
                {"--threads", options.threads},
                {"--body", options.body},
                {"--upload", options.upload}},
               "origin [--port N] [--threads N] [--body BYTES] [--upload BYTES]");
  return options;
}

// Blocks the signal in this thread and those that it starts.
sigset_t block_usr1() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

[[noreturn]] void print_when_asked(const sigset_t& signals, const Counts& counts) {
  while (true) {
    int which = 0;
    ::sigwait(&signals, &which);
    std::printf("%" PRIu64 " %" PRIu64 "\n", counts.connections.load(), counts.requests.load());
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const sigset_t signals = block_usr1();
  const std::string answer = make_answer(options.body);
  std::vector<int> listeners{listen_on(static_cast<std::uint16_t>(options.port))};
  const std::uint16_t port = port_of(listeners.front());
  while (listeners.size() < options.threads) listeners.push_back(listen_on(port));
  std::printf("%u\n", port);
  std::fflush(stdout);
  Counts counts;
  std::vector<std::jthread> threads;
  for (const int listener : listeners)
    threads.emplace_back([&, listener] { Server(listener, answer, options.upload, counts).run(); });
  print_when_asked(signals, counts);
}
