// Reads that end in a pipe and writes that begin in one; reads that are done behind the others' turns.
#include <csignal>

#include "stream_fixture.hpp"

namespace sluice::net {
namespace {

class PipedTest : public StreamTest {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    StreamTest::SetUp();
  }
  void arm(std::uint64_t most) {
    stream->arm(into);
    stream->read_into_pipe(pipe, most);
  }
  // Sends back what comes by the pipe, `bytes` at most, until the end.
  Task<void> echo(std::uint64_t most) {
    for (;;) {
      arm(most);
      const auto read = co_await stream->read();
      last = read.status;
      if (read.status != IoStatus::ok) co_return;
      if (pipe.empty()) ++by_memory;
      largest = std::max(largest, read.size);
      wrote = co_await stream->write({}, &pipe);
      if (wrote != IoStatus::ok) co_return;
    }
  }
  Task<void> write_piped(std::string_view ahead) {
    const iovec piece{const_cast<char*>(ahead.data()), ahead.size()};
    auto write = stream->write({&piece, 1}, &pipe);
    write.end_line();
    wrote = co_await write;
    written = true;
  }
  std::string heard() const {
    std::string all;
    char some[65536];
    for (ssize_t size; (size = ::recv(peer, some, sizeof some, 0)) > 0;)
      all.append(some, static_cast<std::size_t>(size));
    return all;
  }

  Pipe pipe;
  std::size_t largest = 0;
  int by_memory = 0;
};

TEST_F(PipedTest, what_comes_goes_on_whole_and_in_order_and_then_the_end_is_read) {
  spawn(echo(70'000));
  std::string sent, came;
  for (int i = 0; i < 50; ++i) {
    const std::string piece(static_cast<std::size_t>(1 + i * 1000), static_cast<char>('a' + i % 26));
    say(piece);
    sent += piece;
    EXPECT_TRUE(until([&] { return (came += heard()).size() == sent.size(); }));
  }
  EXPECT_EQ(came, sent);
  ::shutdown(peer, SHUT_WR);
  EXPECT_TRUE(until([&] { return last == IoStatus::eof; }));
  EXPECT_EQ(by_memory, 0);
}

TEST_F(PipedTest, no_more_comes_than_the_body_has_left) {
  say("body"
      "next");
  arm(4);
  ASSERT_TRUE(until([&] { return stream->read_ready(); }));
  EXPECT_EQ(stream->take().size, 4u);
  EXPECT_EQ(pipe.size(), 4u);
  stream->arm(into);
  ASSERT_TRUE(until([&] { return stream->read_ready(); })) << "what lies behind it makes no event";
  into.commit(stream->take().size);
  EXPECT_EQ(into.view(), "next");
}

TEST_F(PipedTest, a_turn_moves_so_much_at_most) {
  const int room = 4 << 20;
  ::setsockopt(peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  std::string much(3 * Pipe::kRoom, 'm');
  std::size_t sent = 0, came = 0;
  spawn(echo(UINT64_MAX));
  EXPECT_TRUE(until([&] {
    const auto size = ::send(peer, much.data() + sent, much.size() - sent, 0);
    if (size > 0) sent += static_cast<std::size_t>(size);
    return (came += heard().size()) == much.size();
  }));
  EXPECT_LE(largest, Pipe::kRoom);
  stream->cancel();
  EXPECT_TRUE(until([&] { return last == IoStatus::canceled; }));
}

TEST_F(PipedTest, the_end_of_a_body_is_not_left_for_a_turn_of_its_own) {
  const int room = 4 << 20;
  ::setsockopt(peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  const std::string body(Pipe::kRoom + 200, 'b');
  say(body);
  arm(body.size());
  ASSERT_TRUE(until([&] { return stream->read_ready(); }));
  EXPECT_EQ(stream->take().size, body.size());
}

TEST_F(PipedTest, lines_go_before_and_behind) {
  say("piece");
  arm(5);
  ASSERT_TRUE(until([&] { return stream->read_ready(); }));
  stream->take();
  spawn(write_piped("5\r\n"));
  ASSERT_TRUE(until([&] { return written; }));
  EXPECT_EQ(wrote, IoStatus::ok);
  EXPECT_EQ(heard(), "5\r\npiece\r\n");
}

TEST_F(PipedTest, X7_without_a_pipe_it_comes_into_memory) {
  std::vector<std::unique_ptr<Pipe>> all;
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  for (std::uint32_t i = 0; i < Pipe::kMost; ++i) {
    ASSERT_EQ(::send(fds[0], "x", 1, 0), 1);
    ASSERT_EQ(all.emplace_back(std::make_unique<Pipe>())->fill(fds[1], 1), 1);
  }
  say("abc");
  arm(UINT64_MAX);
  ASSERT_TRUE(until([&] { return stream->read_ready(); }));
  into.commit(stream->take().size);
  EXPECT_TRUE(pipe.empty());
  EXPECT_EQ(into.view(), "abc");
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST_F(PipedTest, X5_a_wait_for_it_can_end_by_time_and_a_cancel) {
  stream->set_timeout(100ms);
  spawn(echo(UINT64_MAX));
  settle();
  wheel.advance(1s);
  EXPECT_TRUE(until([&] { return last == IoStatus::timed_out; }));
  stream->clear_timeout();
  spawn(echo(UINT64_MAX));
  settle();
  stream->cancel();
  EXPECT_TRUE(until([&] { return last == IoStatus::canceled; }));
}

TEST_F(PipedTest, what_was_cancelled_before_its_turn_ends_and_the_read_behind_it_does_not) {
  struct Canceler final : Poller::Entry {
    explicit Canceler(Stream& of) : stream(of) {}
    void on_events(std::uint32_t) override {}
    void on_deferred() override {}
    void on_late() override { stream.cancel(); }
    Stream& stream;
  } canceler(*stream);
  spawn(echo(UINT64_MAX));
  settle();
  poller.defer_late(canceler);
  say("abc");
  ASSERT_TRUE(until([&] { return last == IoStatus::canceled; }));
  EXPECT_EQ(largest, 0u);
  spawn(read_all());
  EXPECT_TRUE(until([&] { return got == "abc"; }));
  settle();
  EXPECT_EQ(reads, 1);
  stream->cancel();
  EXPECT_TRUE(until([&] { return reads == 2; }));
}

TEST_F(PipedTest, a_peer_that_leaves_while_bytes_wait_for_it_ends_the_write_as_reset) {
  spawn(echo(UINT64_MAX));
  const std::string much(64 * 1024, 'm');
  // Nobody reads what comes back.
  until([&] { return ::send(peer, much.data(), much.size(), 0) < 0; });
  settle();
  close_peer();
  EXPECT_TRUE(until([&] { return wrote == IoStatus::reset; }));
  EXPECT_TRUE(pipe.empty());
}

TEST_F(StreamTest, A_late_read_is_handed_out_in_the_turn_that_does_it) {
  stream->arm(into);
  stream->read_late();
  stream->observe(this);
  say("abc");
  for (int i = 0; i < 100 && !stream->read_ready(); ++i) poller.wait(10ms);
  EXPECT_EQ(unawaited, 1);
  into.commit(stream->take().size);
  EXPECT_EQ(into.view(), "abc");
}

}  // namespace
}  // namespace sluice::net
