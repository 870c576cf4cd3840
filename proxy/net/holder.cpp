#include "proxy/net/holder.hpp"

#include <dirent.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

namespace sluice::net {
namespace {

// An address as it is compared: IPv4 in its IPv6 form (::ffff:a.b.c.d).
struct Place {
  std::array<unsigned char, 16> ip{};
  std::uint16_t port = 0;
  bool v6 = false;

  bool is_any() const {
    const auto from = ip.begin() + (v6 ? 0 : 12);
    return std::all_of(from, ip.end(), [](unsigned char byte) { return byte == 0; });
  }
};

Place place_of_v4(const void* bytes, std::uint16_t port) {
  Place place;
  place.ip[10] = place.ip[11] = 0xff;
  std::memcpy(place.ip.data() + 12, bytes, 4);
  place.port = port;
  return place;
}

Place place_of(const sockaddr_storage& address) {
  if (address.ss_family != AF_INET6) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return place_of_v4(&v4.sin_addr, ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  Place place;
  std::memcpy(place.ip.data(), &v6.sin6_addr, 16);
  place.port = ntohs(v6.sin6_port);
  place.v6 = true;
  return place;
}

// Across the families only where IPv6's "any" takes IPv4 as well, which the table does not tell.
bool overlap(const Place& a, const Place& b, Families families) {
  if (a.port != b.port) return false;
  if (a.v6 == b.v6) return a.is_any() || b.is_any() || a.ip == b.ip;
  return families == Families::both && (a.v6 ? a : b).is_any();
}

// "0100007F:1F90": 32-bit words as this machine holds them in memory.
std::optional<Place> parse_place(const std::string& text) {
  const auto colon = text.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i < colon / 8; ++i) {
    const char* begin = text.data() + i * 8;
    if (std::from_chars(begin, begin + 8, words[i], 16).ptr != begin + 8) return std::nullopt;
  }
  std::uint16_t port = 0;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), port, 16);
  if (colon == 8) return place_of_v4(words.data(), port);
  Place place;
  std::memcpy(place.ip.data(), words.data(), 16);
  place.port = port;
  place.v6 = true;
  return place;
}

std::optional<Holder> find_in(const char* table, const Place& wanted, std::span<const std::uint64_t> ours,
                              Families families) {
  constexpr const char* kListen = "0A";
  std::ifstream in(table);
  std::string line;
  std::getline(in, line);  // the headings
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string number, local, remote, state, queues, timer, retransmits, timeout;
    Holder holder;
    words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> holder.uid >> timeout >>
        holder.inode;
    if (state != kListen) break;  // the kernel lists those that listen first; of the others there may be many
    if (!words) continue;
    const auto place = parse_place(local);
    if (!place || !overlap(*place, wanted, families)) continue;
    if (std::find(ours.begin(), ours.end(), holder.inode) == ours.end()) return holder;
  }
  return std::nullopt;
}

bool holds(const std::string& process, const std::string& socket) {
  const std::string folder = "/proc/" + process + "/fd";
  const std::unique_ptr<DIR, int (*)(DIR*)> fds(::opendir(folder.c_str()), ::closedir);
  if (!fds) return false;
  while (const dirent* entry = ::readdir(fds.get())) {
    std::array<char, 64> target{};
    const std::string link = folder + "/" + entry->d_name;
    const auto size = ::readlink(link.c_str(), target.data(), target.size());
    if (size > 0 && socket == std::string_view(target.data(), static_cast<std::size_t>(size))) return true;
  }
  return false;
}

void find_process(Holder& holder) {
  const std::string socket = "socket:[" + std::to_string(holder.inode) + "]";
  const std::unique_ptr<DIR, int (*)(DIR*)> processes(::opendir("/proc"), ::closedir);
  while (const dirent* entry = processes ? ::readdir(processes.get()) : nullptr) {
    const std::string name = entry->d_name;
    if (name.find_first_not_of("0123456789") != std::string::npos || !holds(name, socket)) continue;
    holder.pid = std::atoi(name.c_str());
    std::ifstream command("/proc/" + name + "/comm");
    std::getline(command, holder.program);
    return;
  }
}

}  // namespace

std::optional<Holder> find_holder(const sockaddr_storage& address, std::span<const std::uint64_t> ours,
                                  Families families) {
  const Place wanted = place_of(address);
  auto holder = find_in("/proc/net/tcp", wanted, ours, families);
  if (!holder) holder = find_in("/proc/net/tcp6", wanted, ours, families);
  if (holder) find_process(*holder);
  return holder;
}

std::string to_string(const Holder& holder) {
  if (holder.pid == 0) return "a process of uid " + std::to_string(holder.uid);
  return holder.program + " (pid " + std::to_string(holder.pid) + ")";
}

}  // namespace sluice::net
