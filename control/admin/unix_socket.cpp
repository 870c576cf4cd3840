#include "control/admin/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace sluice::admin {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;

namespace {

std::string failure(const std::string& path, const std::string& what, int number) {
  return "admin socket " + path + ": " + what + ": " + std::generic_category().message(number) + " (errno " +
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

std::string listen_unix(UnixAcceptor& acceptor, const std::string& path, std::uint32_t mode) {
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
  ::chmod(path.c_str(), mode & 0777);
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  return error ? failure(path, "cannot listen", error.value()) : "";
}

core::Actor peer_of(Local::socket& socket) {
  core::Actor actor;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return actor;
  actor.uid = peer.uid;
  actor.pid = static_cast<std::uint32_t>(peer.pid);
  return actor;
}

}  // namespace sluice::admin
