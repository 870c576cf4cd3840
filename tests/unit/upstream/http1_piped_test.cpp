// Bodies over HTTP/1 that stay in the kernel on their way from the backend, and those sent to it.
#include "http1_fixture.hpp"

namespace sluice::upstream {
namespace {

class PipedAnswers : public Http1RequestTest {
 protected:
  void ask(bool allowed = true) {
    open();
    send();
    request->allow_pipes(allowed);
  }
  // The answer's events without what says how its pieces came; how many came by a pipe.
  static std::pair<std::string, std::size_t> joined(std::string_view events) {
    std::string text;
    std::size_t piped = 0;
    for (const char c : events) {
      piped += c == '|';
      if (c != '|' && c != ' ') text += c;
    }
    return {text, piped};
  }
  Task<void> run_dial(Connection& conn) {
    const LoopbackAddress to_origin(origin.port());
    co_await conn.stream.connect(to_origin.data(), to_origin.size());
  }
  const std::string long_body = std::string(300'000, 'l') + "end";
};

TEST_F(PipedAnswers, a_long_body_need_not_come_into_memory_and_the_connection_serves_on) {
  for (int i = 0; i < 2; ++i) {
    ask();
    backend_end().send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(long_body.size()) + "\r\n\r\n");
    origin[0].send(long_body);
    const auto [text, piped] = joined(receive());
    EXPECT_EQ(text, "200:" + long_body + "!");
    EXPECT_GT(piped, 0u);
    origin[0].got.clear();
    finish();
    EXPECT_EQ(backend.idle(), 1u);
  }
}

TEST_F(PipedAnswers, what_is_short_or_has_to_be_seen_does) {
  for (const bool allowed : {false, true}) {
    ask(allowed);
    const std::string body = allowed ? std::string(kWorthAPipe - 1, 's') : long_body;
    backend_end().send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
    origin[0].send(body);
    EXPECT_EQ(joined(receive()), std::pair("200:" + body + "!", std::size_t{0}));
    origin[0].got.clear();
    finish();
  }
}

TEST_F(PipedAnswers, chunks_that_are_long_and_bodies_that_end_with_the_connection_likewise) {
  ask();
  backend_end().send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "493e3\r\n");
  origin[0].send(long_body + "\r\n3\r\nabc\r\n0\r\nSum: 1\r\n\r\n");
  const auto [text, piped] = joined(receive());
  EXPECT_EQ(text, "200:" + long_body + "abcendSum=1");
  EXPECT_GT(piped, 0u);
  finish();
  EXPECT_EQ(backend.idle(), 1u);
  origin[0].got.clear();
  ask();
  backend_end().send("HTTP/1.1 200 OK\r\n\r\n");
  origin[0].send(long_body);
  begin_receive();
  settle();
  origin[0].finish();
  EXPECT_TRUE(until([this] { return received.has_value(); }));
  EXPECT_EQ(joined(events).first, "200:" + long_body + "end");
  EXPECT_GT(joined(events).second, 0u);
  finish();
  EXPECT_EQ(backend.idle(), 0u);
}

TEST_F(PipedAnswers, X3_one_that_is_cut_short_ends_as_ended_and_never_serves_again) {
  ask();
  backend_end().send("HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n");
  origin[0].send(long_body);
  begin_receive();
  settle();
  origin[0].finish();
  EXPECT_TRUE(until([this] { return received.has_value(); }));
  EXPECT_EQ(joined(events).first, "200:" + long_body);
  EXPECT_EQ(received, StreamStatus::ended);
  finish();
  EXPECT_EQ(backend.idle(), 0u);
}

TEST_F(PipedAnswers, what_comes_behind_a_body_is_found_and_the_connection_never_serves_again) {
  ask();
  backend_end().send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(long_body.size()) + "\r\n\r\n");
  origin[0].send(long_body + "HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(joined(receive()).first, "200:" + long_body + "!");
  finish();
  settle();
  EXPECT_EQ(backend.idle(), 0u);
}

TEST_F(PipedAnswers, a_body_is_sent_by_a_pipe_as_from_memory) {
  head.method = "PUT";
  for (const bool chunked : {false, true}) {
    head.body = chunked ? http::BodyLength::unknown : http::BodyLength::known;
    head.content_length = chunked ? 0 : 10;
    open(true);
    send({}, false);
    EXPECT_TRUE(request->takes_pipes());
    for (const std::string_view piece : {"hello", "world"}) {
      Pipe pipe;
      PipeLoader loader;
      loader.load(pipe, piece);
      sent.reset();
      spawn(run_send_piped(pipe));
      EXPECT_TRUE(until([this] { return sent.has_value(); }));
      EXPECT_EQ(sent, StreamStatus::ok);
    }
    send_piece({}, true);
    Peer& peer = backend_end(chunked ? 1 : 0);
    const std::string_view wire =
        chunked ? "\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n" : "\r\n\r\nhelloworld";
    EXPECT_TRUE(until([&] { return peer.got.ends_with(wire); })) << peer.got;
    finish();
  }
}

TEST_F(PipedAnswers, X4_few_connections_get_the_kernels_room_for_long_answers) {
  const auto room = [](const Connection& conn) {
    int size = 0;
    socklen_t length = sizeof size;
    ::getsockopt(conn.stream.fd(), SOL_SOCKET, SO_RCVBUF, &size, &length);
    return size;
  };
  std::vector<std::unique_ptr<Connection>> all;
  const auto dial = [&]() -> Connection& {
    all.push_back(std::make_unique<Connection>(poller, wheel, backend));
    spawn(run_dial(*all.back()));
    EXPECT_TRUE(until([&] { return origin.size() == all.size(); }));
    return *all.back();
  };
  Connection& first = dial();
  const int usual = room(first);
  ASSERT_LT(usual, 1 << 20);
  first.expect(100'000);
  EXPECT_EQ(room(first), usual) << "what is short has room";
  first.expect(1 << 20);
  EXPECT_GE(room(first), 1 << 20);
  first.expect(1 << 20);  // takes no second place
  for (int i = 1; i < 64; ++i) {
    Connection& conn = dial();
    conn.expect(1 << 20);
    ASSERT_GE(room(conn), 1 << 20) << i;
  }
  Connection& late = dial();
  late.expect(1 << 20);
  EXPECT_EQ(room(late), usual);
  Connection::retire(std::move(all[0]));
  late.expect(1 << 20);
  EXPECT_GE(room(late), 1 << 20) << "a place became free";
  for (auto& conn : all) Connection::retire(std::move(conn));
}

TEST_F(PipedAnswers, a_tunnel_that_carries_much_does_so_by_a_pipe_and_goes_back_to_memory) {
  head.upgrade = "websocket";
  EXPECT_EQ(exchange(kSwitch), "tunnel");
  request->allow_pipes(true);
  origin[0].send(long_body);
  std::string came;
  std::size_t piped = 0;
  PipeLoader loader;
  while (came.size() < long_body.size()) {
    came += read_tunnel();
    if (Pipe* const pipe = request->tunnel_pipe()) {
      came += loader.unload(*pipe);
      ++piped;
    }
  }
  EXPECT_EQ(came, long_body);
  EXPECT_GT(piped, 0u);
  for (const bool first : {true, false}) {
    origin[0].send("short");
    came = read_tunnel();
    Pipe* const pipe = request->tunnel_pipe();
    EXPECT_TRUE(first || !pipe) << "once what came was short, memory will do";
    if (pipe) came += loader.unload(*pipe);
    EXPECT_EQ(came, "short");
  }
}

}  // namespace
}  // namespace sluice::upstream
