#include "proxy/observe/access_log.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>

namespace sluice::observe {
namespace {

constexpr std::size_t kTexts = 10;
constexpr auto kPoll = std::chrono::milliseconds(50);  // how long a line may wait in a ring

constexpr std::size_t kMaxText = 2048;  // of one field; longer ones are cut in the log

std::array<std::string_view, kTexts> texts_of(const AccessRecord& r) {
  return {r.request_id, r.client, r.method, r.host, r.path, r.service, r.pool, r.backend, r.sticky, r.error};
}

void append_json_string(std::string_view text, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 ||
               byte >= 0x7f) {  // bytes above ASCII may be no UTF-8: escaped as Latin-1 code points
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_time(std::int64_t wall_micros, std::string& out) {
  const std::time_t seconds = wall_micros / 1'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                 wall_micros / 1000 % 1000);
}

}  // namespace

void append_json_line(const AccessRecord& r, std::string& out) {
  out += "{\"ts\":\"";
  append_time(r.wall_micros, out);
  out += '"';
  const auto text = [&out](const char* key, std::string_view value) {
    out += ",\"";
    out += key;
    out += "\":";
    append_json_string(value, out);
  };
  const auto number = [&out](const char* key, auto value) {
    fmt::format_to(std::back_inserter(out), ",\"{}\":{}", key, value);
  };
  text("request_id", r.request_id);
  text("client", r.client);
  text("method", r.method);
  text("host", r.host);
  text("path", r.path);
  number("status", r.status);
  number("bytes_in", r.bytes_in);
  number("bytes_out", r.bytes_out);
  number("duration_ms", r.duration_micros / 1000.0);
  number("upstream_ms", r.upstream_micros / 1000.0);
  text("service", r.service);
  text("pool", r.pool);
  text("backend", r.backend);
  number("generation", r.generation);
  text("sticky", r.sticky);
  number("attempts", r.attempts);
  text("error", r.error);
  out += "}\n";
}

// In the ring: this header, then the texts one after the other, padded to 8 bytes.
struct AccessRing::Packed {
  std::uint32_t size;  // of all, padding included; 0 marks the jump to the ring's start
  std::array<std::uint16_t, kTexts> text_sizes;
  AccessRecord record;  // its views are void here
};

AccessRing::AccessRing(std::size_t capacity) : bytes_(capacity) {}

bool AccessRing::push(const AccessRecord& record) {
  auto texts = texts_of(record);
  std::size_t size = sizeof(Packed);
  for (auto& text : texts) {
    text = text.substr(0, kMaxText);
    size += text.size();
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
  for (std::size_t i = 0; i < kTexts; ++i) packed.text_sizes[i] = static_cast<std::uint16_t>(texts[i].size());
  char* at = bytes_.data() + head % bytes_.size();
  std::memcpy(at, static_cast<const void*>(&packed), sizeof packed);
  at += sizeof packed;
  for (const auto& text : texts) {
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    at += text.size();
  }
  head_.store(head + size, std::memory_order_release);
  return true;
}

std::size_t AccessRing::drain(std::string& out) {
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
    AccessRecord& r = packed.record;
    std::size_t i = 0;
    for (std::string_view* view : {&r.request_id, &r.client, &r.method, &r.host, &r.path, &r.service, &r.pool,
                                   &r.backend, &r.sticky, &r.error}) {
      *view = {text, packed.text_sizes[i]};
      text += packed.text_sizes[i++];
    }
    append_json_line(r, out);
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
  if (fd_ >= 0) ::close(fd_);
}

std::string AccessLog::open(const std::string& path) {
  int fd = -1;
  if (!path.empty()) {
    fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
      return fmt::format("cannot open the access log {}: {} (errno {})", path, std::strerror(errno), errno);
  }
  const std::lock_guard lock(file_mutex_);
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  path_ = path;
  on_ = fd >= 0;
  return {};
}

void AccessLog::reopen() {
  std::string path;
  {
    const std::lock_guard lock(file_mutex_);
    path = path_;
  }
  if (path.empty()) return;
  if (const auto error = open(path); !error.empty()) spdlog::error("{}; the old file stays in use", error);
}

std::uint64_t AccessLog::dropped() const {
  std::uint64_t sum = 0;
  for (const auto& ring : rings_) sum += ring->dropped();
  return sum;
}

void AccessLog::run() {
  std::string lines;
  for (;;) {
    const bool last = stop_;
    lines.clear();
    for (auto& ring : rings_) ring->drain(lines);
    if (!lines.empty()) write_out(lines);
    if (last) return;
    std::this_thread::sleep_for(kPoll);
  }
}

void AccessLog::write_out(const std::string& lines) {
  const std::lock_guard lock(file_mutex_);
  std::string_view left = lines;
  while (fd_ >= 0 && !left.empty()) {
    const ssize_t written = ::write(fd_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      spdlog::warn("access log {}: {} ({} bytes lost)", path_, std::strerror(errno), left.size());
      return;
    }
    left.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace sluice::observe
