// A keep-alive HTTP/1.1 origin for the load tests: it answers every GET at once and writes down each request
// it gets, so that a test can tell afterwards which generation of the routing table a request was sent under
// (C2).
//
//   recorder --name blue-1 --log FILE [--port N] [--threads N]      prints "port N", runs until it is killed
//
// The log is a memory-mapped file (it survives kill -9): a u64 count, then records of three u64: when the
// request's head was complete here, the client's X-Sent (both CLOCK_MONOTONIC in ns, one clock for all
// processes), and its X-Seq.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

constexpr std::size_t kMaxRecords = 8'000'000;  // a sparse file: only what is written takes room

struct Record {
  std::uint64_t arrived, sent, seq;
};
struct Log {
  std::atomic<std::uint64_t> count;
  Record records[kMaxRecords];
};

std::uint64_t now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(t.tv_nsec);
}

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

Log* open_log(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, sizeof(Log)) != 0) die(path.c_str());
  void* memory = ::mmap(nullptr, sizeof(Log), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) die("mmap");
  ::close(fd);
  return static_cast<Log*>(memory);
}

std::uint64_t number_after(std::string_view head, std::string_view field) {
  const auto at = head.find(field);
  return at == head.npos ? 0 : std::strtoull(head.data() + at + field.size(), nullptr, 10);
}

class Origin {
 public:
  Origin(std::string name, Log& log, int listener) : name_(std::move(name)), log_(log), listener_(listener) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    watch(listener_, EPOLLIN | EPOLLEXCLUSIVE);
  }

  [[noreturn]] void run() {
    epoll_event events[64];
    for (;;) {
      const int n = ::epoll_wait(epoll_, events, 64, -1);
      for (int i = 0; i < n; ++i) {
        if (events[i].data.fd == listener_)
          accept();
        else
          serve(events[i].data.fd);
      }
    }
  }

 private:
  void watch(int fd, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void accept() {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(fd, EPOLLIN);
  }

  void serve(int fd) {
    char chunk[16 * 1024];
    const auto got = ::recv(fd, chunk, sizeof chunk, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return close(fd);
    auto& input = pending_[fd];
    input.append(chunk, static_cast<std::size_t>(got));
    std::string answers;
    for (std::size_t end; (end = input.find("\r\n\r\n")) != input.npos; input.erase(0, end + 4))
      answers += answer(std::string_view(input).substr(0, end + 4));
    if (!answers.empty() && ::send(fd, answers.data(), answers.size(), MSG_NOSIGNAL) < 0) close(fd);
  }

  std::string answer(std::string_view head) {
    const Record record{now(), number_after(head, "\r\nX-Sent: "), number_after(head, "\r\nX-Seq: ")};
    const auto slot = log_.count.fetch_add(1);
    if (slot < kMaxRecords) log_.records[slot] = record;
    const auto seq = std::to_string(record.seq);
    return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Backend: " + name_ + "\r\nX-Seq: " + seq + "\r\n\r\nok";
  }

  void close(int fd) {
    pending_.erase(fd);
    ::close(fd);
  }

  const std::string name_;
  Log& log_;
  const int listener_;
  int epoll_ = -1;
  std::unordered_map<int, std::string> pending_;
};

int listen_on(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, 4096) != 0)
    die("bind");
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("port %u\n", static_cast<unsigned>(ntohs(address.sin_port)));
  std::fflush(stdout);
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  std::unordered_map<std::string, std::string> options{
      {"--name", "origin"}, {"--port", "0"}, {"--threads", "1"}};
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  if (!options.count("--log")) {
    std::fprintf(stderr, "usage: recorder --name NAME --log FILE [--port N] [--threads N]\n");
    return 2;
  }
  Log* log = open_log(options["--log"]);
  const int listener = listen_on(static_cast<std::uint16_t>(std::stoi(options["--port"])));
  std::vector<std::thread> threads;
  for (int i = 1; i < std::stoi(options["--threads"]); ++i)
    threads.emplace_back([&] { Origin(options["--name"], *log, listener).run(); });
  Origin(options["--name"], *log, listener).run();
}
