// One outstanding read, direct writes, one limit; edges are told once and none may be lost.
#include "stream_fixture.hpp"

namespace sluice::net {
namespace {

TEST_F(StreamTest, Everything_that_was_sent_and_then_the_end_is_read_whatever_the_sizes) {
  spawn(read_all());
  std::string sent;
  for (const std::size_t size : {1, 7, 8, 9, 16, 17, 1000}) {
    const std::string piece(size, static_cast<char>('a' + sent.size() % 26));
    sent += piece;
    say(piece);
    EXPECT_TRUE(until([&] { return got == sent; }));
  }
  say("together with the end");
  close_peer();
  EXPECT_TRUE(until([&] { return last == IoStatus::eof; }));
  EXPECT_EQ(got, sent + "together with the end");
}

TEST_F(StreamTest, An_end_that_was_announced_while_nobody_read_is_found_by_the_next_read) {
  say("x");
  close_peer();
  settle();
  spawn(read_all());
  EXPECT_TRUE(until([&] { return last == IoStatus::eof; }));
  EXPECT_EQ(got, "x");
}

TEST_F(StreamTest, It_is_quiet_until_something_comes) {
  settle();
  EXPECT_TRUE(stream->quiet());
  say("x");
  settle();
  EXPECT_FALSE(stream->quiet());
}

TEST_F(StreamTest, After_a_read_that_filled_its_room_another_look_tells_whether_there_is_more) {
  for (const bool more : {false, true}) {
    say(more ? "xyz" : "xy");
    into.room();
    into.commit(into.room_size() - 2);
    stream->arm(into);
    ASSERT_TRUE(until([&] { return stream->read_ready(); }));
    EXPECT_EQ(stream->take().size, 2u);
    EXPECT_FALSE(stream->quiet());
    EXPECT_EQ(stream->drained(), !more);
    into.clear();
  }
}

TEST_F(StreamTest, What_is_there_already_is_read_from_inside_the_call) {
  say("abc");
  settle();
  stream->read_now(into);
  ASSERT_TRUE(stream->read_ready());
  EXPECT_EQ(stream->take().size, 3u);
  stream->read_now(into);
  EXPECT_FALSE(stream->read_ready());
  EXPECT_TRUE(stream->reading()) << "from here on it is as if it had been armed";
  say("d");
  EXPECT_TRUE(until([&] { return stream->read_ready(); }));
  EXPECT_EQ(stream->take().size, 1u);
}

TEST_F(StreamTest, No_more_is_read_at_once_than_the_limit_says_which_may_come_after_the_read_was_armed) {
  stream->arm(into);
  stream->limit_reads(1000);
  say(std::string(2500, 'x'));
  for (const std::size_t size : {1000, 1000, 500}) {
    if (!stream->armed()) stream->arm(into);
    ASSERT_TRUE(until([&] { return stream->read_ready(); }));
    EXPECT_EQ(stream->take().size, size);
    EXPECT_LE(into.room_size(), Buffer::kTiny) << "nor has it room for more";
  }
}

TEST_F(StreamTest, A_read_that_nobody_awaits_is_told_to_its_observer_and_kept) {
  stream->arm(into);
  stream->observe(this);
  say("abc");
  EXPECT_TRUE(until([&] { return unawaited == 1; }));
  EXPECT_TRUE(stream->read_ready());
  EXPECT_EQ(stream->take().size, 3u);
  EXPECT_FALSE(stream->armed());
}

TEST_F(StreamTest, The_observer_may_destroy_the_stream) {
  for (const bool by_cancel : {false, true}) {
    stream->arm(into);
    stream->observe(this);
    destroy_when_told = true;
    if (by_cancel) {
      stream->cancel();
    } else {
      say("abc");
    }
    EXPECT_TRUE(until([&] { return !stream; }));
    settle();
    close_peer();
    SetUp();
  }
}

TEST_F(StreamTest, A_buffer_has_memory_from_when_there_is_something_to_read) {
  into.room();
  stream->arm(into);
  EXPECT_FALSE(into.holds_storage());
  stream->observe(this);
  say("abc");
  EXPECT_TRUE(until([&] { return unawaited == 1; }));
  EXPECT_TRUE(into.holds_storage());
  into.commit(stream->take().size);
  EXPECT_EQ(into.view(), "abc");
  stream->arm(into);
  EXPECT_EQ(into.view(), "abc") << "what it holds stays";
  close_peer();
  EXPECT_TRUE(until([&] { return unawaited == 2; }));
  EXPECT_EQ(stream->take().status, IoStatus::eof);
}

TEST_F(StreamTest, A_read_follows_its_buffer) {
  Buffer other;
  stream->arm(into);
  stream->move_read(other);
  say("abc");
  EXPECT_TRUE(until([&] { return stream->read_ready(); }));
  other.commit(stream->take().size);
  EXPECT_EQ(other.view(), "abc");
}

TEST_F(StreamTest, X4_a_write_waits_until_the_peer_has_taken_all) {
  const std::string bytes(4 << 20, 'w');
  spawn(write(bytes));
  settle();
  EXPECT_FALSE(written);
  std::string taken;
  EXPECT_TRUE(until([&] {
    char some[65536];
    for (ssize_t size; (size = ::recv(peer, some, sizeof some, 0)) > 0;)
      taken.append(some, static_cast<std::size_t>(size));
    return written;
  }));
  EXPECT_EQ(wrote, IoStatus::ok);
}

TEST_F(StreamTest, A_write_to_a_peer_that_leaves_ends_as_reset) {
  const std::string bytes(4 << 20, 'w');
  spawn(write(bytes));
  settle();
  close_peer();
  EXPECT_TRUE(until([&] { return written; }));
  EXPECT_EQ(wrote, IoStatus::reset);
}

TEST_F(StreamTest, X5_what_is_awaited_past_its_limit_ends_as_timed_out) {
  stream->set_timeout(100ms);
  spawn(read_all());
  wheel.advance(50ms);
  settle();
  EXPECT_EQ(reads, 0);
  wheel.advance(1s);
  EXPECT_TRUE(until([&] { return reads == 1; }));
  EXPECT_EQ(last, IoStatus::timed_out);
}

TEST_F(StreamTest, X5_a_write_that_makes_progress_is_given_its_time_anew) {
  const std::string bytes(1 << 20, 'w');
  stream->set_timeout(200ms);
  spawn(write(bytes));
  auto now = 0ms;
  char some[16384];
  while (!written && now < 60s) {
    now += 100ms;
    wheel.advance(now);
    while (::recv(peer, some, sizeof some, 0) > 0) {
    }
    settle();
  }
  EXPECT_TRUE(written);
  EXPECT_EQ(wrote, IoStatus::ok);
}

TEST_F(StreamTest, An_expiry_says_nothing_about_what_is_begun_under_a_later_limit) {
  stream->set_timeout(100ms);
  stream->arm(into);
  wheel.advance(1s);  // the read is to end in the next round
  stream->set_timeout(1h);
  stream->observe(this);
  settle();
  EXPECT_EQ(unawaited, 0);
  EXPECT_TRUE(stream->reading());
}

TEST_F(StreamTest, A_cancel_ends_reader_and_writer) {
  const std::string bytes(4 << 20, 'w');
  spawn(read_all());
  spawn(write(bytes));
  stream->cancel();
  EXPECT_EQ(reads, 0) << "not from inside the call";
  EXPECT_TRUE(until([&] { return reads == 1 && written; }));
  EXPECT_EQ(last, IoStatus::canceled);
  EXPECT_EQ(wrote, IoStatus::canceled);
}

TEST_F(StreamTest, What_had_been_read_when_the_cancel_came_is_not_lost) {
  struct Canceler final : Poller::Entry {
    explicit Canceler(Stream& of) : stream(of) {}
    void on_events(std::uint32_t) override {}
    void on_deferred() override { stream.cancel(); }
    Stream& stream;
  } canceler(*stream);
  ReadResult canceled;
  const auto read = [](Stream& from, ReadResult& result) -> Task<void> { result = co_await from.read(); };
  stream->arm(into);
  spawn(read(*stream, canceled));
  settle();
  poller.defer(canceler);
  say("abc");
  ASSERT_TRUE(until([&] { return canceled.status == IoStatus::canceled; }));
  ASSERT_EQ(canceled.size, 3u);
  EXPECT_EQ(std::string_view(into.room(), canceled.size), "abc");
}

// --- connecting

struct Listening {
  Listening() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd, 8) != 0) std::abort();
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  ~Listening() { ::close(fd); }
  int fd;
  std::uint16_t port = 0;
};

TEST_F(StreamTest, A_connection_whose_peer_spoke_first_can_be_read) {
  Listening listening;
  stream = std::make_unique<Stream>(-1, poller, wheel);
  spawn(connect_to(listening.port));
  // The peer has spoken and gone before the end of the connect is looked at.
  const int accepted = ::accept(listening.fd, nullptr, nullptr);
  ASSERT_EQ(::send(accepted, "hello", 5, 0), 5);
  ::close(accepted);
  ASSERT_TRUE(until([&] { return connected; }));
  EXPECT_EQ(connected_status, IoStatus::ok);
  spawn(read_all());
  EXPECT_TRUE(until([&] { return last == IoStatus::eof; }));
  EXPECT_EQ(got, "hello");
}

TEST_F(StreamTest, A_refused_connect_is_told) {
  std::uint16_t port;
  {
    Listening gone;
    port = gone.port;
  }
  stream = std::make_unique<Stream>(-1, poller, wheel);
  spawn(connect_to(port));
  ASSERT_TRUE(until([&] { return connected; }));
  EXPECT_EQ(connected_status, IoStatus::reset);
}

}  // namespace
}  // namespace sluice::net
