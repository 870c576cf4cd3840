// What the service manager keeps for a daemon that comes after one that died.
#include "control/daemon/socket_store.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/daemon/watchdog.hpp"

namespace sluice::daemon {
namespace {

int a_socket() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

TEST(NameToKeep, is_one_that_systemd_takes_and_comes_back_as_it_was) {
  const std::string odd = "w:e%2F/b \xc3\xa9", bind = "[::1]:80";
  const std::string name = name_to_keep(Owner::listener, odd, bind);
  for (const char c : name) EXPECT_TRUE(c > ' ' && c < 127 && c != ':') << name;
  const auto parcel = parcel_of({{name, a_socket()}});
  ASSERT_EQ(parcel.listeners.size(), 1u);
  EXPECT_EQ(parcel.listeners[0].name, odd);
  EXPECT_EQ(parcel.listeners[0].bind, bind);
  EXPECT_FALSE(parcel.listeners[0].lent);
}

TEST(NameToKeep, none_for_what_is_too_long) {
  EXPECT_NE(name_to_keep(Owner::admin, "admin.socket", "/" + std::string(107, 'x')), "");
  EXPECT_EQ(name_to_keep(Owner::listener, "web", std::string(256, 'x')), "");
}

TEST(ParcelOf, groups_are_whole_and_units_sockets_are_lent) {
  const auto web = name_to_keep(Owner::listener, "web", "0.0.0.0:80");
  const auto admin = name_to_keep(Owner::admin, "admin.socket", "/run/a.sock");
  const auto parcel = parcel_of(
      {{web, a_socket()}, {"web", a_socket()}, {web, a_socket()}, {admin, a_socket()}, {"", a_socket()}});
  ASSERT_EQ(parcel.listeners.size(), 3u);
  EXPECT_EQ(parcel.listeners[0].descriptors.all().size(), 2u);
  EXPECT_FALSE(parcel.listeners[0].lent);
  EXPECT_TRUE(parcel.listeners[1].lent);
  EXPECT_EQ(parcel.listeners[1].name, "web");
  EXPECT_EQ(parcel.listeners[1].bind, "");
  EXPECT_TRUE(parcel.listeners[2].lent);
  ASSERT_EQ(parcel.admin.size(), 1u);
  EXPECT_EQ(parcel.admin[0].bind, "/run/a.sock");
  EXPECT_EQ(inventory_of(parcel).size(), 2u) << "what is lent is not kept";
}

TEST(ToForget, what_is_gone_and_what_is_another_now) {
  EXPECT_EQ(to_forget({{"a", {1}}, {"b", {2, 3}}, {"c", {4}}}, {{"a", {1}}, {"b", {2}}, {"d", {5}}}),
            (std::vector<std::string>{"b", "c"}));
}

TEST(WatchdogPace, often_enough_to_come_late_twice) {
  using namespace std::chrono_literals;
  EXPECT_EQ(watchdog_pace(3s), 1s);
  EXPECT_EQ(watchdog_pace(10min), 5s);
  EXPECT_EQ(watchdog_pace(0s), 5s) << "it may be told later";
  EXPECT_EQ(watchdog_pace(1us), 10ms);
}

}  // namespace
}  // namespace sluice::daemon
