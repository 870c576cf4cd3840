#include "control/admin/unix_socket.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "control/admin/access.hpp"
#include "proxy/base/denied.hpp"

namespace sluice::admin {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;

namespace {

std::string failure(const std::string& path, const std::string& what, int number) {
  return "admin socket " + path + ": " + what + ": " + why_denied(path, number) + " (errno " +
         std::to_string(number) + ")";
}

// Nothing stands at `path`, or what did is gone. Anything but a socket without a listener stays.
std::string make_room(asio::any_io_executor executor, const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0)
    return errno == ENOENT ? "" : failure(path, "cannot look at it", errno);
  if (!S_ISSOCK(status.st_mode)) return "admin socket " + path + ": there is a file of another kind";
  Local::socket probe(executor);
  boost::system::error_code error;
  probe.connect(Local::endpoint(path), error);
  if (!error) return "admin socket " + path + ": another daemon listens on it";
  if (error != asio::error::connection_refused)
    return failure(path, "cannot tell whether it is in use", error.value());
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return failure(path, "cannot remove the stale socket", errno);
  return {};
}

// The file has its mode from its first moment.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  ~Umask() { ::umask(before_); }
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;

 private:
  mode_t before_;
};

}  // namespace

std::string listen_unix(UnixAcceptor& acceptor, const config::AdminSpec& spec) {
  const std::string& path = spec.socket;
  const std::uint32_t mode = spec.socket_mode;
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return "admin socket " + path + ": the path has " + std::to_string(path.size()) +
           " bytes, the system takes " + std::to_string(sizeof(sockaddr_un::sun_path) - 1);
  std::error_code ignored;  // a folder that cannot be made shows when binding
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  if (auto error = make_room(acceptor.get_executor(), path); !error.empty()) return error;
  boost::system::error_code error;
  acceptor.open(Local(), error);
  if (error) return failure(path, "cannot open", error.value());
  {
    const Umask umask(0777 & ~mode);
    acceptor.bind(Local::endpoint(path), error);
  }
  if (error) {
    acceptor.close();
    return failure(path, "cannot bind", error.value());
  }
  // The group first: until then nobody but its old group gets in, and that only as far as the mode says.
  if (spec.gid && ::chown(path.c_str(), static_cast<uid_t>(-1), *spec.gid) != 0) {
    const int number = errno;
    acceptor.close();
    ::unlink(path.c_str());
    return failure(path, "cannot give it to group " + spec.socket_group, number);
  }
  ::chmod(path.c_str(), mode & 0777);
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  return error ? failure(path, "cannot listen", error.value()) : "";
}

void set_access(const config::AdminSpec& spec) {
  if (spec.gid && ::chown(spec.socket.c_str(), static_cast<uid_t>(-1), *spec.gid) != 0)
    spdlog::error("{}", failure(spec.socket, "cannot give it to group " + spec.socket_group, errno));
  ::chmod(spec.socket.c_str(), spec.socket_mode & 0777);
}

namespace {

// With the primary one. Since Linux 4.13 the kernel tells them of the peer, as they were when it connected.
std::vector<std::uint32_t> groups_of(int fd, const ucred& peer) {
  std::vector<std::uint32_t> groups(64);
  socklen_t size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  int failed = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
  if (failed != 0 && errno == ERANGE) {  // `size` is now what it takes
    groups.resize(size / sizeof(gid_t));
    failed = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
  }
  groups.resize(failed == 0 ? size / sizeof(gid_t) : 0);
  groups.push_back(peer.gid);
  return groups;
}

}  // namespace

change::Actor peer_of(Local::socket& socket, const std::vector<config::RoleSpec>& roles) {
  change::Actor actor;
  actor.role = config::Role::none;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return actor;
  actor.uid = peer.uid;
  actor.pid = static_cast<std::uint32_t>(peer.pid);
  actor.role = role_of(peer.uid, groups_of(socket.native_handle(), peer), ::geteuid(), roles);
  return actor;
}

}  // namespace sluice::admin
