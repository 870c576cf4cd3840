// Bytes that stay in the kernel, and the pool of pipes that they stay in.
#include "proxy/base/pipe.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/peer.hpp"

namespace sluice {
namespace {

// Two ends of a connection: what `far` sends, `near` has to read.
struct Link {
  Link() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) std::abort();
    near = fds[0];
    far = fds[1];
  }
  ~Link() {
    ::close(near);
    leave();
  }
  void leave() {
    if (far >= 0) ::close(std::exchange(far, -1));
  }
  void say(std::string_view bytes) {
    ASSERT_EQ(::send(far, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  std::string heard() const {
    std::string all;
    char some[65536];
    for (ssize_t size; (size = ::recv(far, some, sizeof some, 0)) > 0;)
      all.append(some, static_cast<std::size_t>(size));
    return all;
  }
  int near = -1, far = -1;
};

std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* const folder = ::opendir("/proc/self/fd");
  while (::readdir(folder)) ++count;
  ::closedir(folder);
  return count;
}

class PipeTest : public ::testing::Test {
 protected:
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }
  Link source, sink;
  Pipe pipe;
};

TEST_F(PipeTest, what_one_socket_has_the_other_one_gets) {
  source.say("hello");
  EXPECT_EQ(pipe.fill(source.near, 100), 5);
  EXPECT_EQ(pipe.size(), 5u);
  EXPECT_EQ(pipe.drain(sink.near, false), 5);
  EXPECT_TRUE(pipe.empty());
  EXPECT_EQ(sink.heard(), "hello");
}

TEST_F(PipeTest, no_more_is_taken_than_is_asked_for) {
  source.say(
      "body"
      "next head");
  EXPECT_EQ(pipe.fill(source.near, 4), 4);
  EXPECT_EQ(pipe.drain(sink.near, true), 4);
  char rest[32];
  EXPECT_EQ(::recv(source.near, rest, sizeof rest, 0), 9);
}

TEST_F(PipeTest, nothing_there_and_the_end_are_told_apart_and_no_pipe_is_held) {
  EXPECT_EQ(pipe.fill(source.near, 100), -1);
  EXPECT_EQ(errno, EAGAIN);
  source.leave();
  EXPECT_EQ(pipe.fill(source.near, 100), 0);
  const std::size_t before = open_descriptors();
  std::vector<std::unique_ptr<Pipe>> others;
  for (std::uint32_t i = 0; i < Pipe::kMost; ++i) {
    Link another;
    another.say("x");
    others.push_back(std::make_unique<Pipe>());
    EXPECT_EQ(others.back()->fill(another.near, 1), 1) << i;
  }
  EXPECT_EQ(open_descriptors(), before + 2 * (Pipe::kMost - 1)) << "the one that was given back among them";
}

TEST_F(PipeTest, X7_a_thread_has_so_many_at_most) {
  std::vector<std::unique_ptr<Pipe>> all;
  for (std::uint32_t i = 0; i < Pipe::kMost; ++i) {
    source.say("x");
    all.push_back(std::make_unique<Pipe>());
    ASSERT_EQ(all.back()->fill(source.near, 1), 1);
  }
  source.say("kept");
  EXPECT_EQ(pipe.fill(source.near, 4), -1);
  EXPECT_EQ(errno, EMFILE);
  all.pop_back();
  EXPECT_EQ(pipe.fill(source.near, 4), 4) << "and nothing was lost";
}

TEST_F(PipeTest, what_is_left_in_one_never_comes_to_another_connection) {
  source.say("of somebody else");
  EXPECT_EQ(pipe.fill(source.near, 100), 16);
  pipe.release();
  EXPECT_TRUE(pipe.empty());
  Link other;
  other.say("mine");
  EXPECT_EQ(pipe.fill(other.near, 100), 4);
  EXPECT_EQ(pipe.drain(sink.near, false), 4);
  EXPECT_EQ(sink.heard(), "mine");
}

TEST_F(PipeTest, after_a_burst_few_are_kept) {
  const std::size_t before = open_descriptors();
  {
    std::vector<std::unique_ptr<Pipe>> all;
    for (std::uint32_t i = 0; i < Pipe::kMost; ++i) {
      source.say("x");
      all.push_back(std::make_unique<Pipe>());
      ASSERT_EQ(all.back()->fill(source.near, 1), 1);
      ASSERT_EQ(all.back()->drain(sink.near, false), 1);
      source.say("x");
      ASSERT_EQ(all.back()->fill(source.near, 1), 1);
    }
    for (auto& each : all) ASSERT_EQ(each->drain(sink.near, false), 1);
  }
  EXPECT_LE(open_descriptors(), before + 2 * 8);
}

TEST_F(PipeTest, X4_a_receiver_that_takes_no_more_leaves_the_rest_where_it_is) {
  const auto [ours, theirs] = tcp_pair();  // takes a part of what it has room for
  Peer receiver(theirs);
  ::fcntl(ours, F_SETFL, O_NONBLOCK);
  std::string sent, much(100'000, 'm');
  while (pipe.empty()) {
    source.say(much);
    sent += much;
    ASSERT_EQ(pipe.fill(source.near, much.size()), static_cast<ssize_t>(much.size()));
    while (!pipe.empty() && pipe.drain(ours, false) > 0) {
    }
    ++much[0];
  }
  EXPECT_EQ(errno, EAGAIN);
  for (int i = 0; i < 10'000 && receiver.got.size() < sent.size(); ++i) {
    receiver.poll();
    if (!pipe.empty()) pipe.drain(ours, false);
  }
  EXPECT_TRUE(receiver.got == sent) << receiver.got.size() << " of " << sent.size();
  ::close(ours);
}

TEST_F(PipeTest, a_receiver_that_has_left_is_an_error) {
  source.say("x");
  ASSERT_EQ(pipe.fill(source.near, 1), 1);
  sink.leave();
  EXPECT_EQ(pipe.drain(sink.near, false), -1);
  EXPECT_EQ(errno, EPIPE);
}

}  // namespace
}  // namespace sluice
