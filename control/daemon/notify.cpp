#include "control/daemon/notify.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "control/handoff/channel.hpp"

namespace sluice::daemon {
namespace {

constexpr int kFirstFd = 3;               // SD_LISTEN_FDS_START
constexpr timeval kPatience{0, 200'000};  // for a manager that does not read

std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string taken = value ? value : "";
  unsetenv(name);
  return taken;
}

std::int64_t number_of(const std::string& text) {
  std::int64_t number = 0;
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

Notify::Notify(std::string socket, std::chrono::microseconds watchdog)
    : socket_(std::move(socket)), watchdog_(watchdog) {}

Notify Notify::from_environment() {
  const std::chrono::microseconds limit(number_of(take_variable("WATCHDOG_USEC")));
  const std::string pid = take_variable("WATCHDOG_PID");
  const bool meant = pid.empty() || number_of(pid) == ::getpid();
  return Notify(take_variable("NOTIFY_SOCKET"), meant ? limit : std::chrono::microseconds());
}

void Notify::ready(const std::string& text) const { say("READY=1\nSTATUS=" + one_line(text)); }
void Notify::stopping(const std::string& text) const { say("STOPPING=1\nSTATUS=" + one_line(text)); }
void Notify::status(const std::string& text) const { say("STATUS=" + one_line(text)); }
void Notify::alive() const { say("WATCHDOG=1"); }

void Notify::keep(const std::string& name, std::span<const int> descriptors) const {
  for (; !descriptors.empty();
       descriptors = descriptors.subspan(std::min(handoff::Rights::kMost, descriptors.size())))
    say("FDSTORE=1\nFDNAME=" + name, descriptors.first(std::min(handoff::Rights::kMost, descriptors.size())));
}
void Notify::forget(const std::string& name) const { say("FDSTOREREMOVE=1\nFDNAME=" + name); }

// Not READY=1 as well: that is the other one's to say.
void Notify::hand_over(int pid) {
  send("MAINPID=" + std::to_string(pid));
  silent_ = true;
}

std::vector<std::string> Notify::environment() const {
  if (socket_.empty()) return {};
  if (watchdog_.count() == 0) return {"NOTIFY_SOCKET=" + socket_};
  return {"NOTIFY_SOCKET=" + socket_, "WATCHDOG_USEC=" + std::to_string(watchdog_.count())};
}

void Notify::reloading() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto micros = static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  say("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(micros));
}

void Notify::say(const std::string& message, std::span<const int> descriptors) const {
  if (!silent_) send(message, descriptors);
}

// Nobody is told when it fails: the service manager is only ever informed.
void Notify::send(const std::string& text, std::span<const int> descriptors) const {
  sockaddr_un address{};
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  iovec piece{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  const handoff::Rights rights(message, descriptors);
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  (void)::sendmsg(fd, &message, MSG_NOSIGNAL);
  ::close(fd);
}

std::vector<Passed> passed_descriptors() {
  const auto pid = number_of(take_variable("LISTEN_PID"));
  const auto count = number_of(take_variable("LISTEN_FDS"));
  const auto names = names_in(take_variable("LISTEN_FDNAMES"));
  std::vector<Passed> passed;
  if (pid != ::getpid()) return passed;
  for (int i = 0; i < count; ++i) {
    const int fd = kFirstFd + i;
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) break;
    const auto place = static_cast<std::size_t>(i);
    passed.push_back({place < names.size() ? names[place] : "", fd});
  }
  return passed;
}

}  // namespace sluice::daemon
