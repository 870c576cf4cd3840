#include "proxy/observe/access_log.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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
constexpr std::size_t kMaxText = 2048;                 // of one field; longer ones are cut in the log

}  // namespace

// In the ring: this header, then the texts one after the other, padded to 8 bytes.
struct AccessRing::Packed {
  std::uint32_t size;  // of all, padding included; 0 marks the jump to the ring's start
  std::array<std::uint16_t, kAccessTexts> text_sizes;
  AccessNumbers numbers;
};

AccessRing::AccessRing(std::size_t capacity) : bytes_(capacity) {}

bool AccessRing::push(const AccessRecord& record) {
  AccessRecord cut = record;
  const auto texts = texts_of(cut);
  std::size_t size = sizeof(Packed);
  for (auto* text : texts) {
    *text = text->substr(0, kMaxText);
    size += text->size();
  }
  size = (size + 7) / 8 * 8;
  std::uint64_t head = head_.load(std::memory_order_relaxed);
  const std::uint64_t tail = tail_.load(std::memory_order_acquire);
  const std::size_t to_end = bytes_.size() - head % bytes_.size();
  const std::size_t skip = to_end < size ? to_end : 0;
  if (head + skip + size - tail > bytes_.size()) {
    dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return false;
  }
  if (skip) {
    std::memset(bytes_.data() + head % bytes_.size(), 0, sizeof(std::uint32_t));
    head += skip;
  }
  Packed packed{static_cast<std::uint32_t>(size), {}, record};
  for (std::size_t i = 0; i < texts.size(); ++i)
    packed.text_sizes[i] = static_cast<std::uint16_t>(texts[i]->size());
  char* at = bytes_.data() + head % bytes_.size();
  std::memcpy(at, static_cast<const void*>(&packed), sizeof packed);
  at += sizeof packed;
  for (const auto* text : texts) {
    if (!text->empty()) std::memcpy(at, text->data(), text->size());
    at += text->size();
  }
  head_.store(head + size, std::memory_order_release);
  return true;
}

std::size_t AccessRing::drain(const LogFormat& format, std::string& out) {
  std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  const std::uint64_t head = head_.load(std::memory_order_acquire);
  std::size_t lines = 0;
  while (tail < head) {
    const char* at = bytes_.data() + tail % bytes_.size();
    std::uint32_t size;
    std::memcpy(&size, at, sizeof size);
    if (size == 0) {
      tail += bytes_.size() - tail % bytes_.size();
      continue;
    }
    Packed packed;
    std::memcpy(static_cast<void*>(&packed), at, sizeof packed);
    const char* text = at + sizeof packed;
    AccessRecord record;
    static_cast<AccessNumbers&>(record) = packed.numbers;
    std::size_t i = 0;
    for (std::string_view* view : texts_of(record)) {
      *view = {text, packed.text_sizes[i]};
      text += packed.text_sizes[i++];
    }
    append_line(format, record, out);
    ++lines;
    tail += size;
  }
  tail_.store(tail, std::memory_order_release);
  return lines;
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
