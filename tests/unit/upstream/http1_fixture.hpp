// A request to a backend over HTTP/1, between sockets. Time is the test's: what is added to `skipped` passes.
#pragma once

#include <gmock/gmock.h>

#include <optional>

#include "proxy/upstream/http1_connector.hpp"
#include "unit/upstream/one_backend.hpp"

namespace sluice::upstream {
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

inline constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
inline constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

class Http1RequestTest : public OneBackend {
 protected:
  ~Http1RequestTest() override {
    finish();
    backend.close_idle();
    EXPECT_EQ(live->per_worker[0].connections.get(), 0u);
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
    spawn(receive_answer(*request, events, received));
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
  Task<void> run_send_piped(Pipe& piece) { sent = co_await request->send_piped(piece); }
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

  Logins logins;
  Http1Connector connector{poller, wheel, handshakes};
  http::RequestHead head = testing::request("GET", "api.example", "/a");

  RequestPtr request;
  std::optional<Connected> connected;
  std::optional<StreamStatus> sent, received;
  std::string events;
};

}  // namespace sluice::upstream
