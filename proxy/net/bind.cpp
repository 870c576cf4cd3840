#include "proxy/net/bind.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "proxy/net/holder.hpp"

namespace sluice::net {
namespace {

constexpr std::uint16_t kFirstFreePort = 1024;  // those below are for who has CAP_NET_BIND_SERVICE

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  void set_port(std::uint16_t port) {
    if (family() == AF_INET6) {
      reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = htons(port);
    } else {
      reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
    }
  }
  std::uint16_t port() const {
    return ntohs(family() == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port
                                      : reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  }
};

std::string resolve(const std::string& host, std::uint16_t port, Address& out) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.empty() ? nullptr : host.c_str(), nullptr, &hints, &found);
  if (error) return gai_strerror(error);
  std::memcpy(&out.storage, found->ai_addr, found->ai_addrlen);
  out.size = found->ai_addrlen;
  freeaddrinfo(found);
  out.set_port(port);
  return {};
}

bool local_address(int fd, Address& out) {
  out.size = sizeof out.storage;
  return getsockname(fd, reinterpret_cast<sockaddr*>(&out.storage), &out.size) == 0;
}

// A bound socket, or -1 with errno.
int bound_socket(const Address& address, bool reuse_port) {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (::bind(fd, address.get(), address.size) == 0) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

std::string failure(const std::string& listener, const std::string& host, std::uint16_t port,
                    const std::string& why) {
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("cannot listen on {}{}{}:{} (listener {}): {}", v6 ? "[" : "", host, v6 ? "]" : "", port,
                     listener, why);
}

bool equal(const Address& one, const Address& other) {
  if (one.family() != other.family() || one.port() != other.port()) return false;
  if (one.family() == AF_INET6)
    return std::memcmp(&reinterpret_cast<const sockaddr_in6&>(one.storage).sin6_addr,
                       &reinterpret_cast<const sockaddr_in6&>(other.storage).sin6_addr,
                       sizeof(in6_addr)) == 0;
  return reinterpret_cast<const sockaddr_in&>(one.storage).sin_addr.s_addr ==
         reinterpret_cast<const sockaddr_in&>(other.storage).sin_addr.s_addr;
}

}  // namespace

std::uint64_t inode_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

static std::vector<std::uint64_t> inodes_of(const Ours& ours) {
  std::vector<std::uint64_t> inodes = ours.leaving;
  for (const int fd : ours.sockets) inodes.push_back(inode_of(fd));
  return inodes;
}

void Bound::close() {
  for (const int fd : fds) ::close(fd);
  fds.clear();
}

Bound bind(const std::string& listener, const std::string& host, std::uint16_t port, std::size_t count,
           const Ours& ours) {
  Bound bound;
  Address address;
  const auto inodes = inodes_of(ours);
  const auto fail = [&](const std::string& why) {
    bound.close();
    bound.error = failure(listener, host, port, why);
    return bound;
  };
  const auto fail_errno = [&] {
    const int error = errno;
    std::string why = fmt::format("{} (errno {})", std::strerror(error), error);
    if (error == EACCES && port > 0 && port < kFirstFreePort)
      why +=
          ", ports below 1024 want CAP_NET_BIND_SERVICE; a container publishes another as such "
          "(docker run -p 80:8080)";
    const auto holder =
        error == EADDRINUSE ? find_holder(address.storage, inodes, Families::both) : std::nullopt;
    return fail(holder ? why + ", " + to_string(*holder) + " listens there" : why);
  };
  if (const auto error = resolve(host, port, address); !error.empty()) return fail(error);
  const bool beside_ours =
      !ours.leaving.empty() ||
      std::any_of(ours.sockets.begin(), ours.sockets.end(), [port](int fd) { return port_of(fd) == port; });
  if (port != 0 &&
      !beside_ours) {  // without SO_REUSEPORT, so that somebody who listens there already is seen
    const int probe = bound_socket(address, false);
    if (probe < 0) return fail_errno();
    ::close(probe);
  } else if (port != 0) {  // such a socket would also see our own
    if (const auto holder = find_holder(address.storage, inodes, Families::same))
      return fail(fmt::format("{} listens there", to_string(*holder)));
  }
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = bound_socket(address, true);
    if (fd < 0) return fail_errno();
    bound.fds.push_back(fd);
    if (i == 0) local_address(fd, address);  // a free port was chosen: the others take the same
  }
  bound.port = address.port();
  return bound;
}

std::string listen(const std::string& listener, const Bound& bound, const Ours& ours) {
  for (const int fd : bound.fds)
    if (::listen(fd, SOMAXCONN) != 0)
      return fmt::format("cannot listen on port {} (listener {}): {} (errno {})", bound.port, listener,
                         std::strerror(errno), errno);
  auto inodes = inodes_of(ours);
  for (const int fd : bound.fds) inodes.push_back(inode_of(fd));
  Address address;
  if (bound.fds.empty() || !local_address(bound.fds.front(), address)) return {};
  const auto holder = find_holder(address.storage, inodes, Families::same);
  if (!holder) return {};
  return fmt::format("cannot listen on port {} (listener {}): {} listens there", bound.port, listener,
                     to_string(*holder));
}

Bound adopt(const std::vector<int>& fds, std::size_t least) {
  Bound bound;
  Address address;
  local_address(fds.front(), address);
  bound.port = address.port();
  for (std::size_t i = 0; i < std::max(fds.size(), least); ++i) {
    const int fd = fds[i % fds.size()];
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
      bound.error =
          fmt::format("cannot copy the inherited socket {}: {} (errno {})", fd, std::strerror(errno), errno);
      bound.close();
      return bound;
    }
    fcntl(copy, F_SETFL, fcntl(copy, F_GETFL) | O_NONBLOCK);
    bound.fds.push_back(copy);
  }
  return bound;
}

bool listens_on(int fd, const std::string& host, std::uint16_t port) {
  Address wanted, actual;
  return resolve(host, port, wanted).empty() && local_address(fd, actual) && equal(wanted, actual);
}

bool same_address(int one, int other) {
  Address a, b;
  return local_address(one, a) && local_address(other, b) && equal(a, b);
}

bool is_v6(int fd) {
  Address address;
  return local_address(fd, address) && address.family() == AF_INET6;
}

std::uint16_t port_of(int fd) {
  Address address;
  if (!local_address(fd, address)) return 0;
  return address.family() == AF_INET || address.family() == AF_INET6 ? address.port() : 0;
}

// A socket that belongs to a device is looked at only for what comes by that device. This one does not exist,
// so the kernel gives new connections to another socket, or refuses them; a connection whose handshake is
// under way belongs to this one already.
bool turn_away(int fd) {
  const int no_device = std::numeric_limits<int>::max();
  return setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &no_device, sizeof no_device) == 0;
}

void let_others_beside(int fd) {
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
}

}  // namespace sluice::net
