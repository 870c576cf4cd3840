// The real file system, until the test fills the disk.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "control/state/file.hpp"

namespace sluice::change {

class FullDisk : public state::FileSystem {
 public:
  bool full = false;

  state::Io<std::string> read(const std::string& path) override { return real_.read(path); }
  state::Io<std::unique_ptr<state::File>> create(const std::string& path) override {
    return wrap(real_.create(path));
  }
  state::Io<std::unique_ptr<state::File>> open(const std::string& path) override {
    return wrap(real_.open(path));
  }
  state::Error rename(const std::string& from, const std::string& to) override {
    return real_.rename(from, to);
  }
  state::Error remove(const std::string& path) override { return real_.remove(path); }
  state::Error sync_folder(const std::string& path) override { return real_.sync_folder(path); }
  state::Error make_folder(const std::string& path) override { return real_.make_folder(path); }
  bool exists(const std::string& path) override { return real_.exists(path); }
  state::Io<std::vector<std::string>> list(const std::string& folder) override { return real_.list(folder); }
  state::Io<std::unique_ptr<state::Lock>> lock(const std::string& path) override { return real_.lock(path); }
  state::Io<std::unique_ptr<state::SharedFile>> share(const std::string& path) override {
    return real_.share(path);
  }

 private:
  struct Wrapped : state::File {
    Wrapped(std::unique_ptr<state::File> file, const FullDisk& disk_) : real(std::move(file)), disk(disk_) {}
    state::Error append(std::string_view bytes) override {
      if (disk.full) return state::Error(ENOSPC, "cannot write to the journal: No space left on device");
      return real->append(bytes);
    }
    state::Error sync() override { return real->sync(); }
    state::Io<std::uint64_t> size() override { return real->size(); }
    state::Io<std::string> read_from(std::uint64_t offset, std::size_t most) override {
      return real->read_from(offset, most);
    }
    std::unique_ptr<state::File> real;
    const FullDisk& disk;
  };
  state::Io<std::unique_ptr<state::File>> wrap(state::Io<std::unique_ptr<state::File>> file) {
    if (!file) return file;
    return std::unique_ptr<state::File>(std::make_unique<Wrapped>(std::move(*file), *this));
  }
  state::FileSystem& real_ = state::posix_files();
};

// A folder of its own, gone with the test.
struct TemporaryFolder {
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-core-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

}  // namespace sluice::change
