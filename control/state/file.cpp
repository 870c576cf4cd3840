#include "control/state/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "proxy/base/denied.hpp"

namespace sluice::state {
namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kFolderMode = 0750;

Error failed(const char* what, const std::string& path, int code = errno) {
  return {code, "cannot " + std::string(what) + " " + path + ": " + why_denied(path, code)};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

Descriptor opened(const std::string& path, int flags) {
  int fd;
  do fd = ::open(path.c_str(), flags | O_CLOEXEC, kFileMode);
  while (fd < 0 && errno == EINTR);
  return Descriptor(fd);
}

Io<std::string> read_at(int fd, const std::string& path, std::uint64_t offset, std::size_t most) {
  std::string bytes(most, '\0');
  std::size_t got = 0;
  while (got < most) {
    const ssize_t n = ::pread(fd, bytes.data() + got, most - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read", path);
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  bytes.resize(got);
  return bytes;
}

class PosixFile : public File {
 public:
  PosixFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Error append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failed("write to", path_);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  // fdatasync writes the new size too, which is all the metadata that reading back needs.
  Error sync() override { return ::fdatasync(fd_.get()) < 0 ? failed("sync", path_) : Error(); }

  Io<std::uint64_t> size() override {
    struct stat is {};
    if (::fstat(fd_.get(), &is) < 0) return failed("look at", path_);
    return static_cast<std::uint64_t>(is.st_size);
  }

  Io<std::string> read_from(std::uint64_t offset, std::size_t most) override {
    return read_at(fd_.get(), path_, offset, most);
  }

 private:
  Descriptor fd_;
  std::string path_;
};

bool write_pid(int fd) {
  const std::string pid = std::to_string(::getpid()) + "\n";
  return ::ftruncate(fd, 0) == 0 && ::pwrite(fd, pid.data(), pid.size(), 0) >= 0;
}

class PosixLock : public Lock {
 public:
  explicit PosixLock(Descriptor fd) : fd_(std::move(fd)) {}
  int descriptor() const override { return fd_.get(); }
  void sign() override { write_pid(fd_.get()); }

 private:
  Descriptor fd_;  // flock: gone with the last descriptor, also after kill -9
};

// flock: gone with the descriptor, also after kill -9.
class PosixSharedFile : public SharedFile {
 public:
  PosixSharedFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Io<std::string> read() override { return read_at(fd_.get(), path_, 0, kMost); }
  Error write(std::string_view content) override {
    const ssize_t written = ::pwrite(fd_.get(), content.data(), content.size(), 0);
    return written == static_cast<ssize_t>(content.size()) ? Error() : failed("write to", path_);
  }

 private:
  static constexpr std::size_t kMost = 4096;

  Descriptor fd_;
  std::string path_;
};

std::string content_of(int fd) {
  std::array<char, 32> buffer;
  const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), 0);
  std::string text(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  return text.substr(0, text.find('\n'));
}

bool same_file(int one, int other) {
  struct stat a {
  }, b{};
  return ::fstat(one, &a) == 0 && ::fstat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

class PosixFiles : public FileSystem {
 public:
  explicit PosixFiles(Descriptor handed_over = Descriptor(-1)) : handed_over_(std::move(handed_over)) {}

  Io<std::string> read(const std::string& path) override {
    const Descriptor fd = opened(path, O_RDONLY);
    if (!fd) return failed("open", path);
    std::string content;
    std::array<char, 64 * 1024> buffer;
    for (;;) {
      const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failed("read", path);
      if (got == 0) return content;
      content.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }

  Io<std::unique_ptr<File>> create(const std::string& path) override {
    return file(path, O_CREAT | O_TRUNC, "create");
  }
  Io<std::unique_ptr<File>> open(const std::string& path) override { return file(path, 0, "open"); }

  Error rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str()) < 0 ? failed("rename", from) : Error();
  }

  Error remove(const std::string& path) override {
    return ::unlink(path.c_str()) < 0 ? failed("remove", path) : Error();
  }

  Error sync_folder(const std::string& path) override {
    const Descriptor fd = opened(path, O_RDONLY | O_DIRECTORY);
    if (!fd) return failed("open", path);
    return ::fsync(fd.get()) < 0 ? failed("sync", path) : Error();
  }

  Error make_folder(const std::string& path) override {
    if (::mkdir(path.c_str(), kFolderMode) == 0) return sync_folder(parent_of(path));
    if (errno == EEXIST && std::filesystem::is_directory(path)) return {};
    if (errno != ENOENT) return failed("make the folder", path);
    if (Error error = make_folder(parent_of(path))) return error;
    return ::mkdir(path.c_str(), kFolderMode) == 0 ? sync_folder(parent_of(path))
                                                   : failed("make the folder", path);
  }

  bool exists(const std::string& path) override { return ::access(path.c_str(), F_OK) == 0; }

  Io<std::vector<std::string>> list(const std::string& folder) override {
    std::error_code error;
    std::vector<std::string> names;
    for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
      names.push_back(it->path().filename().string());
    if (error && error != std::errc::no_such_file_or_directory) return failed("list", folder, error.value());
    return names;
  }

  Io<std::unique_ptr<Lock>> lock(const std::string& path) override {
    Descriptor fd = opened(path, O_CREAT | O_RDWR);
    if (!fd) return failed("open", path);
    if (handed_over_ && same_file(fd.get(), handed_over_.get())) fd = Descriptor(std::move(handed_over_));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) < 0) {
      if (errno != EWOULDBLOCK) return failed("lock", path);
      return Error(EWOULDBLOCK, path + " is held by process " + content_of(fd.get()));
    }
    if (!write_pid(fd.get())) return failed("write to", path);
    return std::unique_ptr<Lock>(std::make_unique<PosixLock>(std::move(fd)));
  }

  Io<std::unique_ptr<SharedFile>> share(const std::string& path) override {
    constexpr int kTries = 1000;
    constexpr std::chrono::milliseconds kPause{1};
    Descriptor fd = opened(path, O_CREAT | O_RDWR);
    if (!fd) return failed("open", path);
    for (int tries = 0; ::flock(fd.get(), LOCK_EX | LOCK_NB) < 0; ++tries) {
      if ((errno != EWOULDBLOCK && errno != EINTR) || tries == kTries) return failed("lock", path);
      std::this_thread::sleep_for(kPause);
    }
    return std::unique_ptr<SharedFile>(std::make_unique<PosixSharedFile>(std::move(fd), path));
  }

 private:
  static std::string parent_of(const std::string& path) {
    const std::string parent = std::filesystem::path(path).parent_path().string();
    return parent.empty() ? "." : parent;
  }

  static Io<std::unique_ptr<File>> file(const std::string& path, int flags, const char* verb) {
    Descriptor fd = opened(path, O_RDWR | O_APPEND | flags);
    if (!fd) return failed(verb, path);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(fd), path));
  }

  Descriptor handed_over_;  // has the lock of its file; none once it was used
};

}  // namespace

FileSystem& posix_files() {
  static PosixFiles files;
  return files;
}

std::unique_ptr<FileSystem> posix_files_with(int lock) {
  return std::make_unique<PosixFiles>(Descriptor(lock));
}

}  // namespace sluice::state
