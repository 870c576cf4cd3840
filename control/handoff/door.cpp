#include "control/handoff/door.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include "control/handoff/predecessor.hpp"
#include "proxy/base/denied.hpp"

namespace sluice::handoff {

namespace asio = boost::asio;

namespace {

constexpr int kBacklog = 8;
// For the first words of one that has connected; it says them at once.
constexpr std::chrono::milliseconds kFirstWords{500};

std::string failed(const std::string& path, const char* what) {
  const int error = errno;
  return "upgrade socket " + path + ": " + what + ": " + why_denied(path, error);
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

// Nothing that is not one of a daemon's is replaced.
std::string other_kind_at(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || S_ISSOCK(status.st_mode)) return {};
  return "upgrade socket " + path + ": there is a file of another kind";
}

std::optional<Visitor> visitor_at(int descriptor) {
  Visitor visitor{Channel(descriptor), {}, 0, 0};
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  if (peer.uid != ::geteuid() && peer.uid != 0) return std::nullopt;
  auto asked = visitor.channel.receive(kFirstWords);
  if (!asked || asked->text != kAsks || asked->descriptors.all().size() != 1) return std::nullopt;
  visitor.process = std::move(asked->descriptors);
  visitor.pid = peer.pid;
  visitor.uid = peer.uid;
  return visitor;
}

}  // namespace

struct Door::Listening {
  asio::posix::stream_descriptor socket;
  std::function<void(Visitor)> on_visitor;
  std::string path;
  struct stat file {};  // which was made at `path`

  bool is_ours() const {
    struct stat now {};
    return ::lstat(path.c_str(), &now) == 0 && now.st_dev == file.st_dev && now.st_ino == file.st_ino;
  }
};

Door::Door(asio::any_io_executor loop, std::function<void(Visitor)> on_visitor)
    : loop_(std::move(loop)), on_visitor_(std::move(on_visitor)) {}

Door::~Door() { close(false); }

// In one step, by another name: whoever asks finds the old one or the new one.
std::string Door::open(const std::string& path) {
  if (listening_ && listening_->path == path && listening_->is_ours()) return {};
  close(true);
  if (path.empty()) return {};
  std::error_code ignored;  // a folder that cannot be made shows when binding
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  if (auto error = other_kind_at(path); !error.empty()) return error;
  const std::string other = path.substr(0, path.size() - 1) + "~";
  const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return failed(path, "cannot open");
  Descriptors owner({socket});
  const sockaddr_un address = address_of(other);
  ::unlink(other.c_str());
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return failed(path, "cannot bind");
  auto listening =
      std::make_shared<Listening>(Listening{asio::posix::stream_descriptor(loop_), on_visitor_, path, {}});
  // Until it listens nobody gets in, and then nobody but its user.
  if (::chmod(other.c_str(), S_IRUSR | S_IWUSR) != 0 || ::listen(socket, kBacklog) != 0 ||
      ::lstat(other.c_str(), &listening->file) != 0 || ::rename(other.c_str(), path.c_str()) != 0) {
    std::string error = failed(path, "cannot listen");
    ::unlink(other.c_str());
    return error;
  }
  listening->socket.assign(owner.release().front());
  listening_ = listening;
  asio::co_spawn(loop_, listen(std::move(listening)), asio::detached);
  return {};
}

void Door::close(bool remove) {
  if (!listening_) return;
  if (remove && listening_->is_ours()) ::unlink(listening_->path.c_str());
  listening_->on_visitor = nullptr;
  listening_->socket.close();
  listening_ = nullptr;
}

asio::awaitable<void> Door::listen(std::shared_ptr<Listening> listening) {
  while (listening->on_visitor) {
    const auto [failure] = co_await listening->socket.async_wait(asio::posix::stream_descriptor::wait_read,
                                                                 asio::as_tuple(asio::use_awaitable));
    if (failure || !listening->on_visitor) co_return;
    const int descriptor = ::accept4(listening->socket.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) continue;
    if (auto visitor = visitor_at(descriptor))
      listening->on_visitor(std::move(*visitor));
    else
      spdlog::warn("upgrade socket {}: somebody came who is no daemon of this user", listening->path);
  }
}

}  // namespace sluice::handoff
