// The few file operations that the journal needs, behind an interface: the tests fail them one by one and
// drop what was not synced. Control thread only; every call may block.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::state {

// What the system refused; false when it did not.
class Error {
 public:
  Error() = default;
  Error(int code, std::string message) : failed_(true), code_(code), message_(std::move(message)) {}

  explicit operator bool() const { return failed_; }
  int code() const { return code_; }  // an errno, or 0
  // "cannot write to /x/journal: No space left on device"
  const std::string& message() const { return message_; }

 private:
  bool failed_ = false;
  int code_ = 0;
  std::string message_;
};

template <class T>
using Io = boost::system::result<T, Error>;

// A file open for appending; closed when destroyed.
class File {
 public:
  virtual ~File() = default;
  virtual Error append(std::string_view bytes) = 0;  // all of it, or an error after an unknown part of it
  virtual Error sync() = 0;                          // data and size are on the disk when it returns
  virtual Io<std::uint64_t> size() = 0;
  // At most so many bytes from there on; none at the end.
  virtual Io<std::string> read_from(std::uint64_t offset, std::size_t most) = 0;
};

// A small file that processes share: while this lives, no other process has it.
class SharedFile {
 public:
  virtual ~SharedFile() = default;
  virtual Io<std::string> read() = 0;
  // Instead of what is there. Requires: as long as that, or nothing is there.
  virtual Error write(std::string_view content) = 0;
};

// Held while it lives, and while another process has a copy of its descriptor.
class Lock {
 public:
  virtual ~Lock() = default;
  virtual int descriptor() const { return -1; }  // -1: it cannot be handed over
  // Its file names this process again, after another one had a copy. It is for people, so no error.
  virtual void sign() {}
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Io<std::string> read(const std::string& path) = 0;              // ENOENT when it is not there
  virtual Io<std::unique_ptr<File>> create(const std::string& path) = 0;  // empty, instead of what was there
  virtual Io<std::unique_ptr<File>> open(const std::string& path) = 0;    // to append to what is there
  virtual Error rename(const std::string& from, const std::string& to) = 0;
  virtual Error remove(const std::string& path) = 0;
  virtual Error sync_folder(const std::string& path) = 0;  // names made and renamed in it are on the disk
  virtual Error make_folder(const std::string& path) = 0;  // with its parents; nothing if it is there
  virtual bool exists(const std::string& path) = 0;
  // The names in it, in any order; none when it is not there.
  virtual Io<std::vector<std::string>> list(const std::string& folder) = 0;
  // EWOULDBLOCK, and a message with the process that holds it, when another has it.
  virtual Io<std::unique_ptr<Lock>> lock(const std::string& path) = 0;
  // Made when it is not there. Waits for who has it, a second at most: then that one is dead or stopped.
  virtual Io<std::unique_ptr<SharedFile>> share(const std::string& path) = 0;
};

// The real one.
FileSystem& posix_files();
// Likewise; the lock of one file is held already, by `lock`, a descriptor that another process has handed
// over
// (-1: none). Takes it.
std::unique_ptr<FileSystem> posix_files_with(int lock);

}  // namespace sluice::state
