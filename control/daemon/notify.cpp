#include "control/daemon/notify.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace sluice::daemon {
namespace {

constexpr int kFirstFd = 3;  // SD_LISTEN_FDS_START

std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string taken = value ? value : "";
  unsetenv(name);
  return taken;
}

int number_of(const std::string& text) {
  int number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc() && end == text.data() + text.size() ? number : 0;
}

std::vector<std::string> names_in(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const auto name = text.substr(0, text.find(':'));
    names.emplace_back(name);
    text.remove_prefix(std::min(text.size(), name.size() + 1));
  }
  return names;
}

// A line of a status text may not begin another assignment.
std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

Notify::Notify(std::string socket) : socket_(std::move(socket)) {}
Notify Notify::from_environment() { return Notify(take_variable("NOTIFY_SOCKET")); }

void Notify::ready(const std::string& text) const { send("READY=1\nSTATUS=" + one_line(text)); }
void Notify::stopping(const std::string& text) const { send("STOPPING=1\nSTATUS=" + one_line(text)); }
void Notify::status(const std::string& text) const { send("STATUS=" + one_line(text)); }

void Notify::main_pid(int pid) const { send("MAINPID=" + std::to_string(pid) + "\nREADY=1"); }

std::vector<std::string> Notify::environment() const {
  if (socket_.empty()) return {};
  return {"NOTIFY_SOCKET=" + socket_};
}

void Notify::reloading() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto micros = static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(micros));
}

void Notify::send(const std::string& message) const {
  sockaddr_un address{};
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  // Nobody is told when it fails: the service manager is only ever informed.
  (void)::sendto(fd, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                 reinterpret_cast<const sockaddr*>(&address), length);
  ::close(fd);
}

std::vector<worker::ListeningSockets> inherited_sockets() {
  const int pid = number_of(take_variable("LISTEN_PID"));
  const int count = number_of(take_variable("LISTEN_FDS"));
  const auto names = names_in(take_variable("LISTEN_FDNAMES"));
  std::vector<worker::ListeningSockets> sockets;
  if (pid != ::getpid()) return sockets;
  for (int i = 0; i < count; ++i) {
    const int fd = kFirstFd + i;
    if (::fcntl(fd, F_GETFD) < 0) break;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    const auto place = static_cast<std::size_t>(i);
    sockets.push_back({{fd}, place < names.size() ? names[place] : "", {}, true});
  }
  return sockets;
}

}  // namespace sluice::daemon
