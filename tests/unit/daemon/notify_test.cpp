#include "control/daemon/notify.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <vector>

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
  // The next message; how many descriptors came with it is in `descriptors`.
  std::string received() {
    char text[512], room[CMSG_SPACE(300 * sizeof(int))];
    iovec piece{text, sizeof text};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    const auto n = ::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0) return "";
    descriptors = 0;
    if (const cmsghdr* part = CMSG_FIRSTHDR(&message)) {
      descriptors = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < descriptors; ++i) ::close(reinterpret_cast<const int*>(CMSG_DATA(part))[i]);
    }
    return std::string(text, static_cast<std::size_t>(n));
  }
  std::size_t descriptors = 0;
};

TEST(Notify, tells_the_service_manager) {
  Manager manager;
  ::setenv("NOTIFY_SOCKET", manager.name.c_str(), 1);
  Notify notify = Notify::from_environment();
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr) << "children shall not speak for us";
  notify.ready("generation 1");
  EXPECT_EQ(manager.received(), "READY=1\nSTATUS=generation 1");
  notify.reloading();
  EXPECT_TRUE(manager.received().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  notify.stopping("draining\nREADY=1");
  EXPECT_EQ(manager.received(), "STOPPING=1\nSTATUS=draining READY=1");
}

TEST(Notify, descriptors_are_kept_as_many_as_there_are) {
  Manager manager;
  const Notify notify(manager.name);
  notify.keep("a", std::vector<int>(450, manager.fd));
  for (const std::size_t count : {200, 200, 50}) {
    EXPECT_EQ(manager.received(), "FDSTORE=1\nFDNAME=a");
    EXPECT_EQ(manager.descriptors, count);
  }
  notify.forget("a");
  EXPECT_EQ(manager.received(), "FDSTOREREMOVE=1\nFDNAME=a");
  EXPECT_EQ(manager.descriptors, 0u);
}

TEST(Notify, only_the_service_speaks) {
  Manager manager;
  Notify notify(manager.name);
  notify.wait_to_be_the_service();
  notify.alive();
  notify.be_the_service();
  notify.status("x");
  EXPECT_EQ(manager.received(), "STATUS=x");
  notify.hand_over(4711);
  notify.alive();
  EXPECT_EQ(manager.received(), "MAINPID=4711");
  EXPECT_EQ(manager.received(), "");
}

TEST(Notify, watchdog_of_this_process_or_of_whoever_reads) {
  const auto limit = [](const char* usec, const char* pid) {
    ::setenv("WATCHDOG_USEC", usec, 1);
    pid ? ::setenv("WATCHDOG_PID", pid, 1) : ::unsetenv("WATCHDOG_PID");
    const auto notify = Notify::from_environment();
    EXPECT_EQ(std::getenv("WATCHDOG_USEC"), nullptr);
    return notify.watchdog_limit().count();
  };
  EXPECT_EQ(limit("3000000", nullptr), 3000000);
  EXPECT_EQ(limit("3000000", std::to_string(::getpid()).c_str()), 3000000);
  EXPECT_EQ(limit("3000000", "1"), 0);
  EXPECT_EQ(limit("soon", nullptr), 0);
  EXPECT_EQ(Notify("@x", std::chrono::seconds(3)).environment(),
            (std::vector<std::string>{"NOTIFY_SOCKET=@x", "WATCHDOG_USEC=3000000"}));
  EXPECT_EQ(Notify("@x").environment(), std::vector<std::string>{"NOTIFY_SOCKET=@x"});
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

TEST(PassedDescriptors, only_those_meant_for_this_process) {
  set_listen("1", "1", "web");
  EXPECT_TRUE(passed_descriptors().empty());
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);
  EXPECT_TRUE(passed_descriptors().empty()) << "none without the variables";
  set_listen(std::to_string(::getpid()), "nonsense", "web");
  EXPECT_TRUE(passed_descriptors().empty());
}

}  // namespace
}  // namespace sluice::daemon
