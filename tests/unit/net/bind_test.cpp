// Listening sockets: one for each worker on one port, and an address in use is said to be so.
#include "proxy/net/bind.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::net {
namespace {

using ::testing::HasSubstr;

// Bound and listening.
Bound listening(const std::string& host, std::uint16_t port, std::size_t count, const Ours& ours = {}) {
  Bound bound = net::bind("web", host, port, count, ours);
  if (bound.error.empty()) bound.error = net::listen("web", bound, ours);
  return bound;
}

bool listens(int fd) {
  int on = 0;
  socklen_t size = sizeof on;
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on;
}

TEST(Bind, Every_worker_gets_a_socket_of_its_own_on_the_same_port) {
  Bound bound = listening("127.0.0.1", 0, 3);
  ASSERT_EQ(bound.error, "");
  ASSERT_EQ(bound.fds.size(), 3u);
  EXPECT_NE(bound.port, 0);
  for (const int fd : bound.fds) {
    EXPECT_TRUE(listens(fd));
    EXPECT_TRUE(listens_on(fd, "127.0.0.1", bound.port));
    EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
    EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  }
  bound.close();
}

TEST(Bind, An_address_that_somebody_listens_on_is_an_error_that_names_it) {
  Bound first = listening("127.0.0.1", 0, 1);
  Bound second = net::bind("other", "127.0.0.1", first.port, 2);
  EXPECT_TRUE(second.fds.empty());
  EXPECT_THAT(second.error,
              HasSubstr("cannot listen on 127.0.0.1:" + std::to_string(first.port) + " (listener other): "));
  EXPECT_THAT(second.error, HasSubstr("errno 98"));
  EXPECT_THAT(second.error, HasSubstr("(pid " + std::to_string(getpid()) + ") listens there"));
  first.close();
}

TEST(Bind, Beside_our_own_socket_there_is_room_but_not_beside_a_stranger_s) {
  Bound first = listening("127.0.0.1", 0, 2);
  const Ours ours{first.fds, {}};
  Bound all = listening("0.0.0.0", first.port, 2, ours);
  EXPECT_EQ(all.error, "");
  Bound stranger =
      listening("127.0.0.3", first.port, 1, {{all.fds[0], all.fds[1], first.fds[0], first.fds[1]}, {}});
  ASSERT_EQ(stranger.error, "");
  all.close();
  all = net::bind("web", "0.0.0.0", first.port, 2,
                  ours);  // the stranger has SO_REUSEPORT, so the kernel would allow it
  EXPECT_THAT(all.error, HasSubstr("listens there"));
  const Ours with_leaving{first.fds, {inode_of(stranger.fds[0])}};
  all = listening("0.0.0.0", first.port, 2, with_leaving);
  EXPECT_EQ(all.error, "") << "one of ours that leaves is no stranger";
  all.close();
  stranger.close();
  first.close();
}

TEST(Bind, Two_that_bound_at_the_same_time_do_not_both_listen) {
  Bound first = net::bind("web", "127.0.0.1", 0, 1);
  Bound second = net::bind("web", "127.0.0.1", first.port, 1);
  ASSERT_EQ(second.error, "") << "neither listens yet";
  EXPECT_EQ(net::listen("web", first), "");
  EXPECT_THAT(net::listen("web", second), HasSubstr("listens there"));
  first.close();
  second.close();
}

TEST(TurnAway, What_has_connected_is_still_there_and_who_comes_later_goes_elsewhere) {
  Bound first = listening("127.0.0.1", 0, 1);
  Bound all = listening("0.0.0.0", first.port, 1, {first.fds, {}});
  ASSERT_EQ(all.error, "");
  const auto connected = [port = first.port] {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    return fd;
  };
  const int early = connected();
  ASSERT_TRUE(turn_away(first.fds[0]));
  const int late = connected();
  const int by_first = accept(first.fds[0], nullptr, nullptr), by_all = accept(all.fds[0], nullptr, nullptr);
  EXPECT_GE(by_first, 0);
  EXPECT_GE(by_all, 0);
  for (const int fd : {early, late, by_first, by_all}) close(fd);
  first.close();
  all.close();
}

TEST(Bind, A_port_that_was_closed_can_be_bound_again) {
  Bound first = net::bind("web", "127.0.0.1", 0, 2);
  const auto port = first.port;
  first.close();
  Bound second = net::bind("web", "127.0.0.1", port, 2);
  EXPECT_EQ(second.error, "");
  EXPECT_EQ(second.port, port);
  second.close();
}

TEST(Bind, A_host_that_is_none_is_an_error) {
  const Bound bound = net::bind("web", "no.such.host.invalid", 80, 1);
  EXPECT_THAT(bound.error, HasSubstr("no.such.host.invalid:80 (listener web)"));
  EXPECT_TRUE(bound.fds.empty());
}

TEST(Adopt, An_inherited_socket_serves_every_worker_and_is_known_by_its_address) {
  Bound parent = listening("127.0.0.1", 0, 1);
  EXPECT_FALSE(listens_on(parent.fds[0], "127.0.0.1", static_cast<std::uint16_t>(parent.port + 1)));
  EXPECT_FALSE(listens_on(parent.fds[0], "127.0.0.2", parent.port));
  Bound adopted = adopt(parent.fds, 3);
  ASSERT_EQ(adopted.fds.size(), 3u);
  EXPECT_EQ(adopted.port, parent.port);
  for (const int fd : adopted.fds) {
    EXPECT_TRUE(listens(fd));
    EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  }
  adopted.close();
  parent.close();
}

TEST(Adopt, Sockets_of_a_process_with_more_workers_are_all_taken) {
  Bound parent = listening("127.0.0.1", 0, 3);
  Bound adopted = adopt(parent.fds, 2);
  ASSERT_EQ(adopted.fds.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(inode_of(adopted.fds[i]), inode_of(parent.fds[i]));
  adopted.close();
  parent.close();
}

}  // namespace
}  // namespace sluice::net
