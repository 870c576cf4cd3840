// A request to a backend over HTTP/1, between sockets. Time is the test's: what is added to `skipped` passes.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "proxy/upstream/http1_connector.hpp"
#include "support/heads.hpp"
#include "support/peer.hpp"

namespace sluice::upstream {
using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

inline constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
inline constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

class Http1RequestTest : public ::testing::Test {
 protected:
  Http1RequestTest() {
    to.name = "a";
    to.authority = "127.0.0.1";
    to.endpoints.resize(1);
    to.endpoints[0].ip = *parse_ip("127.0.0.1");
    to.endpoints[0].port = origin.port();
    to.live = live;
    target.backend = &backend;
    target.to = &to;
    target.timeouts = &timeouts;
    target.service = &service;
    forward.client_ip = "192.0.2.1";
    forward.proto = "http";
    forward.request_id = "id";
  }
  ~Http1RequestTest() override {
    finish();
    backend.close_idle();
    EXPECT_EQ(live->per_worker[0].connections.get(), 0u);
  }

  void step() {
    poller.wait(0ms);
    wheel.advance(std::chrono::duration_cast<std::chrono::milliseconds>(net::Clock::now() - began_) +
                  skipped);
    origin.poll();
  }
  template <class Condition>
  bool until(Condition condition) {
    const auto deadline = net::Clock::now() + 10s;
    while (!condition() && net::Clock::now() < deadline) step();
    return condition();
  }
  void settle() {
    for (int i = 0; i < 30; ++i) step();
  }

  // On a connection that is there already, or on a new one.
  void open(bool fresh = false) {
    request = connector.open(target, fresh);
    if (!request->reused()) {
      EXPECT_EQ(connect(), Connected::ok);
    }
  }
  Connected connect() {
    connected.reset();
    spawn(run_connect());
    EXPECT_TRUE(until([this] { return connected.has_value(); }));
    return connected.value_or(Connected::canceled);
  }
  // Begins to send; `sent` says how it went.
  void begin(std::string_view body = {}, bool whole = true) {
    sent.reset();
    spawn(run_send(body, whole));
  }
  void begin_piece(std::string_view piece, bool last, std::span<const http::Field> trailers = {}) {
    sent.reset();
    spawn(run_send_data(piece, last, trailers));
  }
  void send(std::string_view body = {}, bool whole = true) {
    begin(body, whole);
    EXPECT_TRUE(until([this] { return sent.has_value(); }));
    EXPECT_EQ(sent, StreamStatus::ok);
  }
  void send_piece(std::string_view piece, bool last, std::span<const http::Field> trailers = {}) {
    begin_piece(piece, last, trailers);
    EXPECT_TRUE(until([this] { return sent.has_value(); }));
    EXPECT_EQ(sent, StreamStatus::ok);
  }
  // Begins to take the answer's events, written down in `events`, up to its end or `received`.
  void begin_receive() {
    received.reset();
    events.clear();
    spawn(run_receive());
  }
  std::string receive() {
    begin_receive();
    EXPECT_TRUE(until([this] { return received.has_value(); }));
    return events;
  }
  void finish() {
    if (request) Request::finish(std::move(request));
  }
  // One request from end to end: the backend got it and answers.
  std::string exchange(std::string_view answer, std::size_t connection = 0) {
    open();
    send();
    backend_end(connection).send(answer);
    return receive();
  }
  // The backend's side of its connection `n`, once it has a head.
  Peer& backend_end(std::size_t n = 0) {
    EXPECT_TRUE(until(
        [this, n] { return origin.size() > n && origin[n].got.find("\r\n\r\n") != std::string::npos; }));
    return origin[n];
  }

  Task<void> run_connect() { connected = co_await request->connect(); }
  Task<void> run_send(std::string_view body, bool whole) {
    sent = co_await request->send_head(head, forward, body, whole);
  }
  Task<void> run_send_data(std::string_view piece, bool last, std::span<const http::Field> trailers) {
    sent = co_await request->send_data(piece, last, trailers);
  }
  Task<void> run_receive() {
    for (;;) {
      const AnswerEvent event = request->next();
      const std::string last = event.last ? "!" : "";
      switch (event.kind) {
        case AnswerEvent::Kind::none: {
          const auto status = co_await request->arrival();
          if (status == StreamStatus::ok) continue;
          received = status;
          co_return;
        }
        case AnswerEvent::Kind::interim:
          events += std::to_string(request->answer().status) + " ";
          continue;
        case AnswerEvent::Kind::head:
          events += std::to_string(request->answer().status) + ":";
          continue;
        case AnswerEvent::Kind::data:
          events.append(event.data).append(last).append(" ");
          if (!event.last) continue;
          break;
        case AnswerEvent::Kind::end:
          events += "end";
          for (const auto& field : request->trailers())
            events.append(" ").append(field.name).append("=").append(field.value);
          break;
        case AnswerEvent::Kind::tunnel:
          events += "tunnel";
          break;
        case AnswerEvent::Kind::failed:
          events += event.failure == FailureKind::protocol ? "malformed" : "reset";
          break;
      }
      received = StreamStatus::ok;
      co_return;
    }
  }
  Task<void> run_receive_head() {
    while (request->next().kind != AnswerEvent::Kind::head) co_await request->arrival();
    received = StreamStatus::ok;
  }
  Task<void> run_read_tunnel() {
    std::string_view bytes;
    received = co_await request->read_tunnel(bytes, 60s);
    events.append(bytes);
  }
  std::string read_tunnel() {
    received.reset();
    events.clear();
    spawn(run_read_tunnel());
    EXPECT_TRUE(until([this] { return received.has_value(); }));
    return events;
  }
  Task<void> run_write_tunnel(std::string_view bytes) { sent = co_await request->write_tunnel(bytes, 60s); }

  net::Poller poller;
  net::TimerWheel wheel;
  Origin origin;
  std::shared_ptr<observe::BackendLive> live = std::make_shared<observe::BackendLive>(7, 1);
  Backend backend{live, 0};
  observe::ServiceLive service{1};
  Logins logins;
  route::Backend to;
  config::TimeoutSpec timeouts;
  Target target;
  observe::HandshakeCounters handshakes;
  Http1Connector connector{poller, wheel, handshakes};
  http::RequestHead head = testing::request("GET", "api.example", "/a");
  http::ForwardContext forward;
  std::chrono::milliseconds skipped{0};

  RequestPtr request;
  std::optional<Connected> connected;
  std::optional<StreamStatus> sent, received;
  std::string events;

 private:
  const net::Clock::time_point began_ = net::Clock::now();
};

}  // namespace sluice::upstream
