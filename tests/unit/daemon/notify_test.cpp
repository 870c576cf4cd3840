#include "control/daemon/notify.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace sluice::daemon {
namespace {

// A service manager's socket, with an abstract name of this process.
struct Manager {
  int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  std::string name = "@sluice-notify-test-" + std::to_string(::getpid());

  Manager() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
  }
  ~Manager() { ::close(fd); }
  std::string received() const {
    char text[512];
    const auto n = ::recv(fd, text, sizeof text, MSG_DONTWAIT);
    return n > 0 ? std::string(text, static_cast<std::size_t>(n)) : "";
  }
};

TEST(Notify, tells_the_service_manager) {
  const Manager manager;
  ::setenv("NOTIFY_SOCKET", manager.name.c_str(), 1);
  const Notify notify = Notify::from_environment();
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr) << "children shall not speak for us";
  notify.ready("generation 1");
  EXPECT_EQ(manager.received(), "READY=1\nSTATUS=generation 1");
  notify.reloading();
  EXPECT_TRUE(manager.received().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  notify.stopping("draining\nREADY=1");
  EXPECT_EQ(manager.received(), "STOPPING=1\nSTATUS=draining READY=1");
}

TEST(Notify, nobody_listens) {
  Notify("").ready("x");
  Notify("/nowhere/at/all").ready("x");
}

void set_listen(const std::string& pid, const char* count, const char* names) {
  ::setenv("LISTEN_PID", pid.c_str(), 1);
  ::setenv("LISTEN_FDS", count, 1);
  ::setenv("LISTEN_FDNAMES", names, 1);
}

TEST(InheritedSockets, only_those_meant_for_this_process) {
  set_listen("1", "1", "web");
  EXPECT_TRUE(inherited_sockets().empty());
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);
  EXPECT_TRUE(inherited_sockets().empty()) << "none without the variables";
  set_listen(std::to_string(::getpid()), "nonsense", "web");
  EXPECT_TRUE(inherited_sockets().empty());
}

}  // namespace
}  // namespace sluice::daemon
