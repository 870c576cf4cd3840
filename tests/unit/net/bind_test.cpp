// Listening sockets: one for each worker on one port, and an address in use is said to be so.
#include "proxy/net/bind.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::net {
namespace {

using ::testing::HasSubstr;

bool listens(int fd) {
  int on = 0;
  socklen_t size = sizeof on;
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on;
}

TEST(Bind, Every_worker_gets_a_socket_of_its_own_on_the_same_port) {
  Bound bound = bind("web", "127.0.0.1", 0, 3);
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
  Bound first = bind("web", "127.0.0.1", 0, 1);
  Bound second = bind("other", "127.0.0.1", first.port, 2);
  EXPECT_TRUE(second.fds.empty());
  EXPECT_THAT(second.error,
              HasSubstr("cannot listen on 127.0.0.1:" + std::to_string(first.port) + " (listener other): "));
  EXPECT_THAT(second.error, HasSubstr("errno 98"));
  first.close();
}

TEST(Bind, A_port_that_was_closed_can_be_bound_again) {
  Bound first = bind("web", "127.0.0.1", 0, 2);
  const auto port = first.port;
  first.close();
  Bound second = bind("web", "127.0.0.1", port, 2);
  EXPECT_EQ(second.error, "");
  EXPECT_EQ(second.port, port);
  second.close();
}

TEST(Bind, A_host_that_is_none_is_an_error) {
  const Bound bound = bind("web", "no.such.host.invalid", 80, 1);
  EXPECT_THAT(bound.error, HasSubstr("no.such.host.invalid:80 (listener web)"));
  EXPECT_TRUE(bound.fds.empty());
}

TEST(Adopt, An_inherited_socket_serves_every_worker_and_is_known_by_its_address) {
  Bound parent = bind("web", "127.0.0.1", 0, 1);
  EXPECT_FALSE(listens_on(parent.fds[0], "127.0.0.1", static_cast<std::uint16_t>(parent.port + 1)));
  EXPECT_FALSE(listens_on(parent.fds[0], "127.0.0.2", parent.port));
  Bound adopted = adopt(parent.fds[0], 3);
  ASSERT_EQ(adopted.fds.size(), 3u);
  EXPECT_EQ(adopted.port, parent.port);
  for (const int fd : adopted.fds) {
    EXPECT_TRUE(listens(fd));
    EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  }
  adopted.close();
}

}  // namespace
}  // namespace sluice::net
