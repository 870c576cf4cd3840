#include "control/rehearse/log_book.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "proxy/base/suggest.hpp"
#include "proxy/observe/histogram.hpp"
#include "proxy/route/slots.hpp"

namespace sluice::rehearse {
namespace {

constexpr std::size_t kMostPools = 250, kMostServices = 50, kExample = 160;

// A file's bytes, mapped.
class Mapped {
 public:
  explicit Mapped(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat about {};
    if (file < 0 || ::fstat(file, &about) != 0) {
      error_ = std::strerror(errno);
    } else if (!S_ISREG(about.st_mode)) {
      error_ = "it is no regular file";
    } else if (about.st_size > 0) {
      size_ = static_cast<std::size_t>(about.st_size);
      void* const bytes = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
      if (bytes == MAP_FAILED)
        error_ = std::strerror(errno);
      else
        bytes_ = static_cast<const char*>(bytes);
    }
    if (bytes_) ::madvise(const_cast<char*>(bytes_), size_, MADV_SEQUENTIAL);
    if (file >= 0) ::close(file);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  ~Mapped() {
    if (bytes_) ::munmap(const_cast<char*>(bytes_), size_);
  }
  std::string_view text() const { return bytes_ ? std::string_view(bytes_, size_) : std::string_view(); }
  const std::string& error() const { return error_; }

 private:
  const char* bytes_ = nullptr;
  std::size_t size_ = 0;
  std::string error_;
};

class Reader {
 public:
  explicit Reader(const Reading& reading) : reading_(reading) {}

  std::optional<protocol::Problem> read(const std::string& path) {
    const Mapped file(path);
    if (!file.error().empty())
      return protocol::malformed("the log " + path + " cannot be read: " + file.error());
    if (file.text().empty()) return protocol::malformed("the log " + path + " is empty");
    const auto kind = reading_.format && reading_.format->kind == LogFormat::Kind::pieces
                          ? std::optional(LogKind::pieces)
                          : kind_of(file.text().substr(0, 64 * 1024));
    if (!kind)
      return protocol::malformed("no line of " + path + " can be read: " + shown(file.text()), "file");
    read_lines(path, file.text(), *kind);
    if (const std::string name(to_string(*kind)); std::ranges::find(book_.kinds, name) == book_.kinds.end())
      book_.kinds.push_back(name);
    return std::nullopt;
  }

  LogBook done() {
    if (!std::ranges::is_sorted(book_.requests, {}, &Seen::ended_micros))
      std::ranges::stable_sort(book_.requests, {}, &Seen::ended_micros);
    return std::move(book_);
  }

 private:
  static std::string shown(std::string_view text) {
    return quoted(std::string(text.substr(0, std::min(text.find('\n'), kExample))));
  }

  void read_lines(const std::string& path, std::string_view text, LogKind kind) {
    LineReader reader(kind, reading_.format ? &*reading_.format : nullptr);
    std::uint64_t number = 0;
    for (std::size_t at = 0; at < text.size();) {
      const void* const newline = ::memchr(text.data() + at, '\n', text.size() - at);
      const std::size_t end =
          newline ? static_cast<std::size_t>(static_cast<const char*>(newline) - text.data()) : text.size();
      const std::string_view one = text.substr(at, end - at);
      at = end + 1;
      ++number;
      if (one.empty()) continue;
      ++book_.lines;
      if (const auto line = reader.read(one)) {
        add(*line);
      } else if (++book_.unread == 1) {
        book_.example = path + ":" + std::to_string(number) + ": " + shown(one);
      }
    }
  }

  void add(const Line& line) {
    if (!line.service.empty()) {
      if (!reading_.service.empty() && line.service != reading_.service) {
        ++book_.other;
        return;
      }
      if ((book_.services.empty() || book_.services.back() != line.service) &&
          book_.services.size() < kMostServices &&
          std::ranges::find(book_.services, line.service) == book_.services.end())
        book_.services.emplace_back(line.service);
    }
    Seen seen;
    seen.ended_micros = line.ended_micros;
    if (!line.client.empty()) {
      seen.slot = route::slot_of(reading_.salt, line.client);
      book_.clients += !clients_[seen.slot];
      clients_[seen.slot] = true;
    }
    if (line.duration_micros) {
      seen.bucket = static_cast<std::uint16_t>(observe::HistogramLayout::index(*line.duration_micros));
      book_.times_known = true;
    }
    seen.pool = pool_of(line.pool);
    seen.counted = line.counted;
    seen.error = line.error;
    seen.safe = line.safe;
    auto& pool = book_.pools[seen.pool];
    ++pool.requests;
    pool.counted += line.counted;
    pool.errors += line.counted && line.error;
    book_.requests.push_back(seen);
  }

  std::uint8_t pool_of(std::string_view name) {
    if (last_pool_ < book_.pools.size() && book_.pools[last_pool_].name == name) return last_pool_;
    auto found = std::ranges::find(book_.pools, name, &LogBook::Pool::name);
    if (found == book_.pools.end() && book_.pools.size() < kMostPools)
      found = book_.pools.insert(book_.pools.end(), LogBook::Pool{std::string(name)});
    if (found == book_.pools.end()) --found;
    return last_pool_ = static_cast<std::uint8_t>(found - book_.pools.begin());
  }

  const Reading& reading_;
  LogBook book_;
  std::vector<bool> clients_ = std::vector<bool>(route::kSlots);  // by slot
  std::uint8_t last_pool_ = 0;
};

}  // namespace

Result<LogBook> read_logs(const Reading& reading) {
  Reader reader(reading);
  for (const auto& file : reading.files)
    if (auto problem = reader.read(file)) return *problem;
  return reader.done();
}

}  // namespace sluice::rehearse
