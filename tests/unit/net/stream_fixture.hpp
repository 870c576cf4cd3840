// A stream on one end of a connection over loopback, and the test on the other. Time is the test's own
// thread's.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "proxy/base/task.hpp"
#include "proxy/net/stream.hpp"
#include "support/peer.hpp"

namespace sluice::net {

using namespace std::chrono_literals;

class StreamTest : public ::testing::Test, protected ReadObserver {
 protected:
  void SetUp() override {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    stream = std::make_unique<Stream>(fds[0], poller, wheel);
    peer = fds[1];
  }
  void TearDown() override { close_peer(); }
  void close_peer() {
    if (peer >= 0) ::close(std::exchange(peer, -1));
  }
  void say(std::string_view bytes) {
    ASSERT_EQ(::send(peer, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  template <class Condition>
  bool until(Condition condition) {
    const auto deadline = Clock::now() + 5s;
    while (!condition() && Clock::now() < deadline) poller.wait(1ms);
    return condition();
  }
  void settle() {
    for (int i = 0; i < 5; ++i) poller.wait(1ms);
  }

  Task<void> read_all() {  // until the end
    for (;;) {
      if (!stream->armed()) stream->arm(into);
      const auto read = co_await stream->read();
      last = read.status;
      ++reads;
      if (read.status != IoStatus::ok) co_return;
      got.append(into.room(), read.size);
    }
  }
  Task<void> write(std::string_view bytes) {
    wrote = co_await stream->write(bytes);
    written = true;
  }
  Task<void> connect_to(std::uint16_t port) {
    const LoopbackAddress to(port);
    connected_status = co_await stream->connect(to.data(), to.size());
    connected = true;
  }
  void on_unawaited_read() override {
    ++unawaited;
    if (destroy_when_told) stream.reset();
  }

  Poller poller;
  TimerWheel wheel;
  Buffer into;
  std::unique_ptr<Stream> stream;
  int peer = -1;
  std::string got;
  IoStatus last = IoStatus::ok, wrote = IoStatus::ok, connected_status = IoStatus::ok;
  int reads = 0, unawaited = 0;
  bool written = false, connected = false, destroy_when_told = false;
};

}  // namespace sluice::net
