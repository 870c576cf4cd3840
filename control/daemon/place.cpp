#include "control/daemon/place.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdint>
#include <utility>

#include "control/state/journal_names.hpp"

namespace sluice::daemon {
namespace {

// Of the network namespace; nothing before Linux 5.14.
std::optional<std::uint64_t> network_of(int socket) {
#ifdef SO_NETNS_COOKIE
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (::getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0) return cookie;
#else
  static_cast<void>(socket);
#endif
  return std::nullopt;
}

std::optional<std::uint64_t> own_network() {
  const handoff::Descriptors socket({::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)});
  return network_of(socket.all().front());
}

bool same_file(int descriptor, const std::string& path) {
  struct stat held {
  }, named{};
  return ::fstat(descriptor, &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

}  // namespace

std::string why_of_no_use(const handoff::Parcel& parcel, const std::string& state_dir) {
  const auto& lock = parcel.lock.all();
  if (!lock.empty() && !same_file(lock.front(), state_dir + "/" + state::kLockFile))
    return "the daemon that is to be replaced has another state_dir than " + state_dir +
           "; both need the same folder or volume";
  const auto own = own_network();
  for (const auto& sockets : parcel.listeners)
    for (const int one : sockets.descriptors.all())
      if (const auto other = network_of(one); own && other && own != other)
        return "the daemon that is to be replaced is in another network, where nobody would reach this one; "
               "start it in the same (docker: --network host for both, or --network container:NAME)";
  return {};
}

std::string ask_for_a_place(const std::string& socket, const std::string& state_dir,
                            std::optional<handoff::Predecessor>& found, handoff::Parcel& parcel) {
  if (socket.empty()) return {};
  auto asked = handoff::Predecessor::asked_at(socket);
  if (!asked) return asked.error();
  if (!*asked) return {};
  found = std::move(*asked);
  handoff::Parcel came;
  if (std::string error = found->receive(came); !error.empty())
    return socket + ": the daemon there does not give its place: " + error;
  if (std::string error = why_of_no_use(came, state_dir); !error.empty()) return error;
  parcel = std::move(came);
  return {};
}

}  // namespace sluice::daemon
