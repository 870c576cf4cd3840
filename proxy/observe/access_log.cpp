#include "proxy/observe/access_log.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>

#include "proxy/base/denied.hpp"
#include "proxy/observe/log_line.hpp"

namespace sluice::observe {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(50);  // how long a line may wait in a ring
constexpr int kReaderMillis = 100;                     // how often a wait for a reader looks up
constexpr int kLastLooks = 10;                         // of them, when the daemon ends

}  // namespace

AccessRing::AccessRing(std::size_t capacity) : ring_(capacity) {}

bool AccessRing::push(const AccessRecord& record) { return ring_.push(record); }

std::size_t AccessRing::drain(const LogFormat& format, std::string& out) {
  return ring_.drain([&](const AccessRecord& record) { append_line(format, record, out); });
}

AccessLog::AccessLog(std::size_t workers) {
  for (std::size_t i = 0; i < workers; ++i) rings_.push_back(std::make_unique<AccessRing>());
  thread_ = std::thread([this] { run(); });
}

AccessLog::~AccessLog() {
  stop_ = true;
  thread_.join();
}

AccessLog::Sink::~Sink() {
  if (fd >= 0) ::close(fd);
}

std::string AccessLog::open(const std::string& path, LogFormat format) {
  std::shared_ptr<Sink> sink;
  if (!path.empty()) {
    sink = std::make_shared<Sink>();
    sink->fd = path == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                           : ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (const int error = errno; sink->fd < 0)
      return fmt::format("cannot open the access log {}: {} (errno {})",
                         path == "-" ? "standard output" : path, why_denied(path, error), error);
    struct stat about {};
    sink->file = ::fstat(sink->fd, &about) == 0 && S_ISREG(about.st_mode);
    sink->path = path;
    sink->format = std::move(format);
  }
  const std::lock_guard lock(sink_mutex_);
  sink_ = std::move(sink);
  on_ = sink_ != nullptr;
  return {};
}

void AccessLog::reopen() {
  const auto now = sink();
  if (!now || now->path == "-") return;
  if (const auto error = open(now->path, now->format); !error.empty())
    spdlog::error("{}; the old file stays in use", error);
}

std::uint64_t AccessLog::dropped() const {
  std::uint64_t sum = unwritten_.load(std::memory_order_relaxed);
  for (const auto& ring : rings_) sum += ring->dropped();
  return sum;
}

std::shared_ptr<const AccessLog::Sink> AccessLog::sink() const {
  const std::lock_guard lock(sink_mutex_);
  return sink_;
}

void AccessLog::run() {
  std::string lines;
  for (;;) {
    const bool last = stop_;
    const auto now = sink();
    lines.clear();
    for (auto& ring : rings_) ring->drain(now ? now->format : LogFormat(), lines);
    if (now && !lines.empty()) write_out(*now, lines);
    if (last) return;
    std::this_thread::sleep_for(kPoll);
  }
}

// A pipe takes PIPE_BUF bytes at once when it says that it takes some.
void AccessLog::write_out(const Sink& sink, std::string_view lines) {
  const char* why = "";
  while (!lines.empty()) {
    if (!sink.file && !wait_for_reader(sink)) {
      why = "nobody reads it";
      break;
    }
    const ssize_t written = ::write(sink.fd, lines.data(),
                                    sink.file ? lines.size() : std::min<std::size_t>(lines.size(), PIPE_BUF));
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written <= 0) {
      why = std::strerror(errno);
      break;
    }
    lines.remove_prefix(static_cast<std::size_t>(written));
  }
  if (!lines.empty()) {
    unwritten_.fetch_add(static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n')),
                         std::memory_order_relaxed);
    if (!failing_)
      spdlog::warn("access log {}: {}; lines are lost until it takes them again", sink.path, why);
  } else if (failing_) {
    spdlog::info("access log {} takes lines again", sink.path);
  }
  failing_ = !lines.empty();
}

// False when none came before the end of the daemon, or the log went elsewhere: what waits is lost.
bool AccessLog::wait_for_reader(const Sink& sink) const {
  pollfd ready{sink.fd, POLLOUT, 0};
  for (int looks = 0; looks < kLastLooks; looks += stop_) {
    if (::poll(&ready, 1, kReaderMillis) > 0) return true;
    if (this->sink().get() != &sink) return false;
  }
  return false;
}

}  // namespace sluice::observe
