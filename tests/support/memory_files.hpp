// A disk in memory that forgets what was not synced, and that fails or loses power at any step a test names.
#pragma once

#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/state/file.hpp"

namespace sluice::testing {

class MemoryFiles : public state::FileSystem {
 public:
  using Error = state::Error;
  template <class T>
  using Io = state::Io<T>;

  // What happens at which step. Steps are the calls that change something, counted from 1.
  struct Plan {
    std::size_t fail_from = 0,
                fail_to = 0;  // these steps fail with `code`; an append writes half of it first
    int code = ENOSPC;
    std::size_t power_off_after = 0;  // later steps do nothing, and fail; 0: never
  };

  void set_plan(Plan plan) {
    plan_ = plan;
    steps_ = 0;
  }
  std::size_t steps() const { return steps_; }

  // The power comes back: of what was not synced, a random part of each file and of the changes of names (in
  // their order) is there, or nothing at all.
  void crash(std::mt19937_64* random) {
    names_ = durable_names_;
    const std::size_t kept = random ? (*random)() % (pending_.size() + 1) : 0;
    for (std::size_t i = 0; i < kept; ++i) pending_[i](names_);
    pending_.clear();
    durable_names_ = names_;
    for (auto& [name, node] : names_) {
      const std::size_t unsynced = node->data.size() - node->synced;
      node->data.resize(node->synced + (random ? (*random)() % (unsynced + 1) : 0));
      node->synced = node->data.size();
    }
    locks_.clear();
    set_plan({});
  }

  std::string* content(const std::string& path) {
    const auto it = names_.find(path);
    return it == names_.end() ? nullptr : &it->second->data;
  }
  void put(const std::string& path, std::string data) {
    auto node = std::make_shared<Node>();
    node->synced = data.size();
    node->data = std::move(data);
    names_[path] = durable_names_[path] = std::move(node);
  }

  Io<std::string> read(const std::string& path) override {
    const auto it = names_.find(path);
    if (it == names_.end()) return Error(ENOENT, path + " is not there");
    return it->second->data;
  }

  Io<std::unique_ptr<state::File>> create(const std::string& path) override {
    if (const int code = step()) return Error(code, "create " + path);
    auto node = std::make_shared<Node>();
    change([path, node](Names& names) { names[path] = node; });
    return std::unique_ptr<state::File>(std::make_unique<Handle>(*this, node));
  }

  Io<std::unique_ptr<state::File>> open(const std::string& path) override {
    const auto it = names_.find(path);
    if (it == names_.end()) return Error(ENOENT, path + " is not there");
    return std::unique_ptr<state::File>(std::make_unique<Handle>(*this, it->second));
  }

  Error rename(const std::string& from, const std::string& to) override {
    if (const int code = step()) return {code, "rename " + from};
    if (!names_.contains(from)) return {ENOENT, from + " is not there"};
    change([from, to](Names& names) {
      names[to] = names[from];
      names.erase(from);
    });
    return {};
  }

  Error remove(const std::string& path) override {
    if (const int code = step()) return {code, "remove " + path};
    change([path](Names& names) { names.erase(path); });
    return {};
  }

  Error sync_folder(const std::string& path) override {
    if (const int code = step()) return {code, "sync " + path};
    durable_names_ = names_;
    pending_.clear();
    return {};
  }

  Error make_folder(const std::string&) override { return {}; }
  bool exists(const std::string& path) override { return names_.contains(path); }

  Io<std::vector<std::string>> list(const std::string& folder) override {
    std::vector<std::string> found;
    for (const auto& [name, node] : names_)
      if (name.starts_with(folder + "/")) found.push_back(name.substr(folder.size() + 1));
    return found;
  }

  Io<std::unique_ptr<state::Lock>> lock(const std::string& path) override {
    if (!locks_.insert(path).second) return Error(EWOULDBLOCK, path + " is held by process 1");
    return std::unique_ptr<state::Lock>(std::make_unique<Held>(*this, path));
  }

  Io<std::unique_ptr<state::SharedFile>> share(const std::string& path) override {
    return std::unique_ptr<state::SharedFile>(std::make_unique<Shared>(*this, path));
  }

 private:
  struct Node {
    std::string data;
    std::size_t synced = 0;
  };
  using Names = std::map<std::string, std::shared_ptr<Node>>;

  struct Handle : state::File {
    Handle(MemoryFiles& files, std::shared_ptr<Node> node) : files_(files), node_(std::move(node)) {}
    Error append(std::string_view bytes) override {
      const int code = files_.step();
      if (code && !files_.powered()) return {code, "append"};
      node_->data += bytes.substr(0, code ? bytes.size() / 2 : bytes.size());
      return code ? Error(code, "append") : Error();
    }
    Error sync() override {
      if (const int code = files_.step()) return {code, "sync"};
      node_->synced = node_->data.size();
      return {};
    }
    Io<std::uint64_t> size() override { return node_->data.size(); }
    Io<std::string> read_from(std::uint64_t offset, std::size_t most) override {
      return offset < node_->data.size() ? node_->data.substr(offset, most) : std::string();
    }
    MemoryFiles& files_;
    std::shared_ptr<Node> node_;
  };

  struct Shared : state::SharedFile {
    Shared(MemoryFiles& files, std::string path) : files_(files), path_(std::move(path)) {}
    Io<std::string> read() override {
      const std::string* there = files_.content(path_);
      return there ? *there : std::string();
    }
    Error write(std::string_view content) override {
      if (const int code = files_.step()) return {code, "write " + path_};
      files_.put(path_, std::string(content));
      return {};
    }
    MemoryFiles& files_;
    std::string path_;
  };

  struct Held : state::Lock {
    Held(MemoryFiles& files, std::string path) : files_(files), path_(std::move(path)) {}
    ~Held() override { files_.locks_.erase(path_); }
    MemoryFiles& files_;
    std::string path_;
  };

  bool powered() const { return plan_.power_off_after == 0 || steps_ <= plan_.power_off_after; }

  int step() {
    ++steps_;
    if (!powered()) return EIO;
    return plan_.fail_from <= steps_ && steps_ <= plan_.fail_to ? plan_.code : 0;
  }

  void change(std::function<void(Names&)> operation) {
    operation(names_);
    pending_.push_back(std::move(operation));
  }

  Plan plan_;
  std::size_t steps_ = 0;
  Names names_, durable_names_;
  std::vector<std::function<void(Names&)>> pending_;
  std::set<std::string> locks_;
};

}  // namespace sluice::testing
