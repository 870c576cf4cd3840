// pacer: load in an open loop. Requests are due at fixed times, whatever became of those before, and latency
// counts from the time when a request was due: a proxy that stalls is charged for all that would have been
// sent meanwhile (no coordinated omission). Request i belongs to connection i mod N; while that waits for an
// answer, what is due waits in the connection. One thread, plain epoll.
//
//   pacer --port N [--connections 64] [--rate 1000] [--requests 1000] [--body 128]
//
// Prints one line of JSON: how many requests were answered with 200 and a body of so many bytes, how many
// were not, and the latencies of the former in nanoseconds, as [least of the class, count].
#include <sys/epoll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <ctime>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bench/histogram.hpp"
#include "bench/numbers.hpp"
#include "bench/socket.hpp"

namespace {

using namespace sluice::bench;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kPatience = 10 * kSecond;  // for answers after the last request was due
constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
constexpr int kEvents = 256;

struct Options {
  unsigned long port = 0, connections = 64, requests = 1000;
  unsigned long rate = 1000;  // requests a second, of all connections
  unsigned long body = 128;   // bytes of each answer's
};

std::uint64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond + static_cast<std::uint64_t>(time.tv_nsec);
}

// What came of an answer so far.
enum class Answer { incomplete, good, bad };

// Requires: nothing behind the answer, for no further request was sent before it.
Answer judge(std::string_view input, std::size_t body) {
  const std::size_t head = input.find("\r\n\r\n");
  if (head == input.npos) return Answer::incomplete;
  const std::size_t expected = head + 4 + body;
  if (!input.starts_with("HTTP/1.1 200 ") || input.size() > expected) return Answer::bad;
  if (input.size() == expected) return Answer::good;
  return Answer::incomplete;
}

struct Connection {
  int fd = -1;  // -1: it failed, and so does all that is due on it
  bool waiting = false;
  std::deque<std::uint64_t> due;  // when; the first one is under way while `waiting`
  std::string input;
};

class Pacer {
 public:
  explicit Pacer(const Options& options)
      : options_(options), connections_(options.connections), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) die("epoll_create1");
    for (Connection& connection : connections_) open(connection);
  }

  void run() {
    begin_ = now();
    const std::uint64_t end = due_time(options_.requests) + kPatience;
    while (answered_ + failed_ < options_.requests && now() < end) {
      release();
      wait();
    }
    failed_ = options_.requests - answered_;
  }

  void print() const {
    std::printf("{\"requests\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"latencies\": [", answered_, failed_);
    const char* comma = "";
    latencies_.each([&](std::uint64_t least, std::uint64_t count) {
      std::printf("%s[%" PRIu64 ", %" PRIu64 "]", comma, least, count);
      comma = ", ";
    });
    std::printf("]}\n");
  }

 private:
  std::uint64_t due_time(std::uint64_t number) const { return begin_ + number * kSecond / options_.rate; }

  void open(Connection& connection) {
    connection.fd = connect_to(static_cast<std::uint16_t>(options_.port));
    if (connection.fd < 0) die("connect");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connection;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event) != 0) die("epoll_ctl");
    int error = 0;
    socklen_t size = sizeof error;  // on a loopback a connection is there at once, or refused
    ::getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) die("connect");
  }

  // Hands what is due now to its connections.
  void release() {
    for (const std::uint64_t time = now(); next_ < options_.requests && due_time(next_) <= time; ++next_) {
      Connection& connection = connections_[next_ % connections_.size()];
      connection.due.push_back(due_time(next_));
      if (!connection.waiting) send(connection);
    }
  }

  void send(Connection& connection) {
    if (connection.fd < 0) return fail(connection);
    const ssize_t sent = ::send(connection.fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(kRequest.size())) return fail(connection);
    connection.waiting = true;
  }

  void wait() {
    const std::uint64_t time = now(), due = next_ < options_.requests ? due_time(next_) : time + kSecond;
    const std::uint64_t rest = due > time ? due - time : 0;
    const timespec timeout{static_cast<time_t>(rest / kSecond), static_cast<long>(rest % kSecond)};
    std::array<epoll_event, kEvents> events;
    const int count = ::epoll_pwait2(epoll_, events.data(), kEvents, &timeout, nullptr);
    if (count < 0 && errno != EINTR) die("epoll_pwait2");
    for (int i = 0; i < count; ++i)
      receive(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
  }

  void receive(Connection& connection) {
    const ssize_t got = ::recv(connection.fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0 || !connection.waiting) return fail(connection);
    connection.input.append(buffer_.data(), static_cast<std::size_t>(got));
    const Answer answer = judge(connection.input, options_.body);
    if (answer == Answer::bad) return fail(connection);
    if (answer == Answer::good) complete(connection);
  }

  void complete(Connection& connection) {
    latencies_.add(now() - connection.due.front());
    ++answered_;
    connection.due.pop_front();
    connection.input.clear();
    connection.waiting = false;
    if (!connection.due.empty()) send(connection);
  }

  void fail(Connection& connection) {
    failed_ += connection.due.size();
    connection.due.clear();
    connection.waiting = false;
    if (connection.fd >= 0) ::close(connection.fd);
    connection.fd = -1;
  }

  const Options options_;
  std::vector<Connection> connections_;
  const int epoll_;
  std::uint64_t begin_ = 0, next_ = 0, answered_ = 0, failed_ = 0;
  Histogram latencies_;
  std::array<char, 64 * 1024> buffer_;
};

Options parse(int argc, char** argv) {
  Options options;
  read_numbers(argc, argv,
               {{"--port", options.port, true},
                {"--connections", options.connections, true},
                {"--rate", options.rate, true},
                {"--requests", options.requests},
                {"--body", options.body}},
               "pacer --port N [--connections N] [--rate N] [--requests N] [--body BYTES]");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  ::prctl(PR_SET_TIMERSLACK, 1);  // nanosecond: requests leave when they are due
  Pacer pacer(options);
  pacer.run();
  pacer.print();
}
