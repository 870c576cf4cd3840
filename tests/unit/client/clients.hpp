// A worker's clients on the test's own thread: real connections over loopback sockets, and a handler that
// does what the test says. Time is the test's: skip() lets it pass.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/client/connection.hpp"
#include "support/peer.hpp"
#include "support/pipes.hpp"

namespace sluice::client {

using namespace std::chrono_literals;

// What the handler saw of one request.
struct Seen {
  std::string path, body, address, trailers;
  bool secure = false;
  BodyPiece::Kind end = BodyPiece::Kind::done;
  int gone = 0, half_closed = 0;
  int piped = 0;  // pieces of the body that came by a pipe
  StreamStatus tunnel_end = StreamStatus::ok;
};

class Clients : public ::testing::Test, public StreamHandler, public StreamObserver {
 public:
  // How a request is answered; reads the whole body first.
  enum class Way { ok, held, tunnel, trailers, reset, interim };

  Task<void> serve(ClientStream& stream) override {
    seen.emplace_back();
    now().path = stream.head().path;
    now().address = stream.info().address;
    now().secure = stream.info().secure;
    stream.set_observer(this);
    co_await read(stream);
    if (refusal) {
      co_await stream.reply(*refusal);
      co_return;
    }
    if (now().end != BodyPiece::Kind::done) {
      const OwnReply malformed{400, "malformed", "no\n"};
      co_await stream.reply(malformed);
      co_return;
    }
    stream.watch();
    if (way == Way::held) co_await release;
    if (way == Way::tunnel) {
      co_await tunnel(stream);
    } else {
      co_await answer(stream);
    }
  }

  void client_gone() override { ++now().gone; }
  void client_half_closed() override { ++now().half_closed; }

 protected:
  Clients() {
    info->spec.name = "web";
    info->spec.min_body_rate = 0;
  }
  ~Clients() override {
    for (net::WheelHook* hook = list.next; hook != &list; hook = hook->next)
      Connection::from(*hook).close_now();
    release.fire();
    EXPECT_TRUE(until([this] { return !list.linked(); })) << "a connection did not end";
    EXPECT_EQ(worker.counters.connections.get(), 0u);
    EXPECT_EQ(info->connections->load(), 0u);
  }

  Peer& client() {
    const auto [ours, theirs] = tcp_pair();
    Connection::start(worker, *this, info, theirs, PeerInfo{{*parse_ip(caller), 40'000}, {}}, list);
    return *peers.emplace_back(std::make_unique<Peer>(ours));
  }
  void step() {
    worker.poller.wait(0ms);
    worker.wheel.advance(std::chrono::duration_cast<std::chrono::milliseconds>(net::Clock::now() - began_) +
                         skipped_);
    for (auto& each : peers) each->poll();
  }
  template <class Condition>
  bool until(Condition condition) {
    const auto deadline = net::Clock::now() + 10s;
    while (!condition() && net::Clock::now() < deadline) step();
    return condition();
  }
  void settle() {  // for what must not happen
    for (int i = 0; i < 30; ++i) step();
  }
  void skip(std::chrono::milliseconds time) {
    skipped_ += time;
    settle();
  }
  bool got(Peer& peer, std::string_view text) {
    return until([&] { return peer.got.find(text) != std::string::npos; });
  }

  WorkerContext worker{0};
  ConnectionHook list;
  std::shared_ptr<ListenerInfo> info = std::make_shared<ListenerInfo>();
  std::string caller = "127.0.0.1";
  std::vector<std::unique_ptr<Peer>> peers;
  std::vector<Seen> seen;
  Way way = Way::ok;
  Event release;                    // of a held request
  std::uint64_t limit = 0;          // of a body
  std::optional<OwnReply> refusal;  // the answer, if there is one
  std::string answer_body = "ok";
  bool pipes = false;  // bodies may come, and answers' go, by pipes
  PipeLoader loader;
  bool chunked = false;  // the length of the answer's body is unknown

 private:
  Seen& now() { return seen.back(); }

  Task<void> read(ClientStream& stream) {
    std::string_view whole;
    if (stream.whole_body(whole)) {
      now().body = whole;
      co_return;
    }
    if (!stream.limit_body(limit)) now().end = BodyPiece::Kind::too_large;
    stream.allow_pipes(pipes);
    now().body = stream.first_piece();
    while (now().end != BodyPiece::Kind::too_large) {
      const BodyPiece piece = co_await stream.read_body();
      now().end = piece.kind;
      if (piece.kind != BodyPiece::Kind::data) break;
      now().body += piece.data;
      if (!piece.piped) continue;
      now().body += loader.unload(*piece.piped);
      ++now().piped;
    }
    for (const http::Field& field : stream.trailers())
      now().trailers.append(field.name).append("=").append(field.value).append(";");
  }

  Task<void> answer(ClientStream& stream) {
    http::ResponseHead head;
    head.reason = "OK";
    if (way == Way::interim) {
      head.status = 103;
      stream.send_interim(head);
    }
    head.status = 200;
    set_length(head);
    const http::Field extra[] = {{"X-Extra", "1"}};
    stream.send_head(head, extra);
    const http::Field trailers[] = {{"T", "1"}};
    if (pipes) co_return co_await answer_piped(stream);
    bool sent = stream.send_data(answer_body, way == Way::ok || way == Way::held || way == Way::interim);
    if (way == Way::trailers) sent = sent && stream.send_trailers(trailers);
    StreamStatus flushed = StreamStatus::ok;
    if (!sent) flushed = co_await stream.flush();
    if (way == Way::reset || flushed != StreamStatus::ok) stream.reset();
  }

  // In two pieces.
  Task<void> answer_piped(ClientStream& stream) {
    EXPECT_TRUE(stream.takes_pipes());
    const std::string_view body = answer_body;
    for (const bool last : {false, true}) {
      Pipe pipe;
      loader.load(pipe, last ? body.substr(body.size() / 2) : body.substr(0, body.size() / 2));
      StreamStatus flushed = StreamStatus::ok;
      if (!stream.send_piped(pipe, last)) flushed = co_await stream.flush();
      EXPECT_EQ(flushed, StreamStatus::ok);
    }
  }

  // With trailers behind the body its length is unknown, too.
  void set_length(http::ResponseHead& head) const {
    head.has_content_length = way != Way::trailers && !chunked;
    head.body = head.has_content_length ? http::BodyLength::known : http::BodyLength::unknown;
    head.content_length = answer_body.size();
  }

  // Sends back what comes, until the client ends.
  Task<void> tunnel(ClientStream& stream) {
    http::ResponseHead head;
    head.status = 101;
    head.reason = "Switching Protocols";
    if (!stream.open_tunnel(head)) co_await stream.flush();
    std::string_view bytes;
    for (;;) {
      const auto read = co_await stream.read_tunnel(bytes, 60s);
      if (read != StreamStatus::ok) {
        now().tunnel_end = read;
        break;
      }
      now().body += bytes;
      co_await stream.write_tunnel(bytes, 60s);
    }
    stream.end_tunnel();
  }

  const net::Clock::time_point began_ = net::Clock::now();
  std::chrono::milliseconds skipped_{0};
};

inline constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace sluice::client
