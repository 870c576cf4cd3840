// A load client for the tests: N keep-alive connections, each with one GET under way at any time, until
// SIGTERM, SIGINT or the duration ends. Then one JSON line with what it saw. Every request carries its number
// (X-Seq) and the time it was sent (X-Sent, CLOCK_MONOTONIC in ns); an answer that belongs to another request
// counts as a failure.
//
//   loader --port N [--connections 64] [--duration SECONDS] [--requests N] [--path /] [--host load.test]
//   [--pace-us 0]
//
// --requests ends it after exactly so many. --pace-us waits that long on each connection between an answer
// and the next request.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

volatile std::sig_atomic_t g_stop = 0;

std::uint64_t now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(t.tv_nsec);
}

struct Options {
  std::uint16_t port = 0;
  int connections = 64;
  double duration = 0;  // 0: until a signal
  std::string path = "/", host = "load.test";
  std::uint64_t pace_us = 0;
  std::uint64_t requests = ~0ull;
};

struct Connection {
  int fd = -1;
  bool waiting = false;  // an answer is outstanding
  std::uint64_t seq = 0, sent = 0;
  std::string input;
};

std::string_view field(std::string_view head, std::string_view name) {
  const auto at = head.find(name);
  if (at == head.npos) return {};
  const auto from = at + name.size();
  return head.substr(from, head.find("\r\n", from) - from);
}

class Loader {
 public:
  explicit Loader(Options options) : options_(std::move(options)), connections_(options_.connections) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  }

  void run() {
    const auto start = now();
    const auto end =
        options_.duration > 0 ? start + static_cast<std::uint64_t>(options_.duration * 1e9) : ~0ull;
    for (std::size_t i = 0; i < connections_.size(); ++i) begin(i);
    while (!g_stop && now() < end && (sequence_ < options_.requests || outstanding_ > 0)) turn();
    stopping_ = true;
    const auto grace = now() + 5'000'000'000u;
    while (outstanding_ > 0 && now() < grace) turn();
    failures_["unanswered"] += outstanding_;
    report(static_cast<double>(now() - start) / 1e9);
  }

 private:
  void turn() {
    epoll_event events[128];
    const int n = ::epoll_wait(epoll_, events, 128, paced_.empty() ? 20 : 1);
    for (int i = 0; i < n; ++i) read(events[i].data.u32);
    while (!paced_.empty() && (stopping_ || paced_.front().first <= now())) {
      const auto index = paced_.front().second;
      paced_.pop_front();
      if (!stopping_) begin(index);
    }
  }

  bool connect(std::size_t index) {
    auto& c = connections_[index];
    c.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(c.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      ::close(std::exchange(c.fd, -1));
      return false;
    }
    const int on = 1;
    ::setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = static_cast<std::uint32_t>(index);
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event);
    ++connects_;
    return true;
  }

  void begin(std::size_t index) {
    if (sequence_ == options_.requests) return;
    auto& c = connections_[index];
    if (c.fd < 0 && !connect(index)) {
      ++failures_["connect"];
      return next(index, 1'000);
    }
    c.seq = ++sequence_;
    c.input.clear();
    c.sent = now();
    const std::string request = "GET " + options_.path + " HTTP/1.1\r\nHost: " + options_.host +
                                "\r\nX-Seq: " + std::to_string(c.seq) +
                                "\r\nX-Sent: " + std::to_string(c.sent) + "\r\n\r\n";
    c.waiting = true;
    ++outstanding_;
    if (::send(c.fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
      fail(index, "send");
  }

  void read(std::size_t index) {
    auto& c = connections_[index];
    char chunk[16 * 1024];
    const auto got = ::recv(c.fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      if (c.waiting)
        return fail(index, got == 0 ? (c.input.empty() ? "closed" : "short") : std::strerror(errno));
      return drop(c);  // closed while idle: the next request opens another
    }
    c.input.append(chunk, static_cast<std::size_t>(got));
    const auto head = c.input.find("\r\n\r\n");
    if (head == c.input.npos) return;
    const std::string_view fields(c.input.data(), head + 2);
    const auto length =
        std::strtoull(std::string(field(fields, "\r\nContent-Length: ")).c_str(), nullptr, 10);
    if (c.input.size() < head + 4 + length) return;
    finish(index, fields);
  }

  void finish(std::size_t index, std::string_view fields) {
    auto& c = connections_[index];
    latencies_.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>((now() - c.sent) / 1000, ~0u)));
    const bool close = field(fields, "\r\nConnection: ") == "close";
    const std::string status(fields.substr(9, 3));
    if (status != "200") {
      const auto reason = std::string(field(fields, "\r\nX-Sluice-Error: "));
      ++failures_["status " + status + (reason.empty() ? "" : " " + reason)];
    } else if (field(fields, "\r\nX-Seq: ") != std::to_string(c.seq)) {
      ++failures_["answer of another request"];
    } else {
      ++answered_[std::string(field(fields, "\r\nX-Backend: "))];
    }
    c.waiting = false;
    --outstanding_;
    if (close) drop(c);
    next(index, options_.pace_us);
  }

  void fail(std::size_t index, const std::string& why) {
    auto& c = connections_[index];
    ++failures_[why];
    c.waiting = false;
    --outstanding_;
    drop(c);
    next(index, 1'000);
  }

  void next(std::size_t index, std::uint64_t wait_us) {
    if (stopping_) return;
    if (wait_us == 0) return begin(index);
    paced_.emplace_back(now() + wait_us * 1000, index);
  }

  void drop(Connection& c) {
    if (c.fd >= 0) ::close(std::exchange(c.fd, -1));
  }

  static void print_counts(const std::map<std::string, std::uint64_t>& counts) {
    const char* separator = "";
    for (const auto& [name, count] : counts) {
      if (count == 0) continue;
      std::printf("%s\"%s\":%llu", separator, name.c_str(), static_cast<unsigned long long>(count));
      separator = ",";
    }
  }

  void report(double seconds) {
    std::sort(latencies_.begin(), latencies_.end());
    const auto quantile = [&](double q) {
      return latencies_.empty()
                 ? 0u
                 : latencies_[static_cast<std::size_t>(q * static_cast<double>(latencies_.size() - 1))];
    };
    std::uint64_t failed = 0;
    for (const auto& [why, count] : failures_) failed += count;
    std::printf(
        "{\"requests\":%llu,\"failed\":%llu,\"seconds\":%.3f,\"connects\":%llu,\"p50_us\":%u,\"p99_us\":%u,"
        "\"max_us\":%u,",
        static_cast<unsigned long long>(sequence_), static_cast<unsigned long long>(failed), seconds,
        static_cast<unsigned long long>(connects_), quantile(0.5), quantile(0.99), quantile(1.0));
    std::printf("\"failures\":{");
    print_counts(failures_);
    std::printf("},\"answered\":{");
    print_counts(answered_);
    std::printf("}}\n");
  }

  const Options options_;
  int epoll_ = -1;
  bool stopping_ = false;
  std::vector<Connection> connections_;
  std::deque<std::pair<std::uint64_t, std::size_t>> paced_;  // when, which; nearly in order, which is enough
  std::uint64_t sequence_ = 0, outstanding_ = 0, connects_ = 0;
  std::map<std::string, std::uint64_t> failures_, answered_;
  std::vector<std::uint32_t> latencies_;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--port") options.port = static_cast<std::uint16_t>(std::stoi(value));
    if (name == "--connections") options.connections = std::stoi(value);
    if (name == "--duration") options.duration = std::stod(value);
    if (name == "--path") options.path = value;
    if (name == "--host") options.host = value;
    if (name == "--pace-us") options.pace_us = std::stoull(value);
    if (name == "--requests") options.requests = std::stoull(value);
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const auto stop = [](int) { g_stop = 1; };
  std::signal(SIGTERM, stop);
  std::signal(SIGINT, stop);
  Loader(parse(argc, argv)).run();
}
