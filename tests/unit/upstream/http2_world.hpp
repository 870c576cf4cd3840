// Requests to a backend over HTTP/2, between sockets: what tests of them share.
#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/upstream/protocol_connector.hpp"
#include "unit/upstream/http2_peer.hpp"
#include "unit/upstream/one_backend.hpp"

namespace sluice::upstream {

class Http2World;

// One request, from its opening to its end.
class Call {
 public:
  Call(Http2World& world, std::string_view method, std::string_view target);
  ~Call() { finish(); }

  void open(bool fresh = false);
  void begin_connect() { spawn(run_connect()); }
  void begin(std::string_view body = {}, bool whole = true) {
    sent.reset();
    spawn(run_send(body, whole));
  }
  void begin_piece(std::string_view piece, bool last, std::span<const http::Field> trailers = {}) {
    sent.reset();
    spawn(run_send_data(piece, last, trailers));
  }
  void begin_receive() {
    received.reset();
    spawn(receive_answer(*request, events, received, stops));
  }
  // To its end, one way or the other: what came, written down.
  std::string receive();
  void send(std::string_view body = {}, bool whole = true);
  void send_piece(std::string_view piece, bool last, std::span<const http::Field> trailers = {});
  void finish() {
    if (request) Request::finish(std::move(request));
  }

  http::RequestHead head;
  RequestPtr request;
  std::optional<Connected> connected;
  std::optional<StreamStatus> sent, received;
  std::string events;
  bool stops = false;  // takes no further event

  Task<void> run_read_tunnel() {
    std::string_view bytes;
    received = co_await request->read_tunnel(bytes, 60s);
    events.append(bytes);
  }
  Task<void> run_write_tunnel(std::string_view bytes) { sent = co_await request->write_tunnel(bytes, 60s); }

 private:
  Task<void> run_connect() { connected = co_await request->connect(); }
  Task<void> run_send(std::string_view body, bool whole);
  Task<void> run_send_data(std::string_view piece, bool last, std::span<const http::Field> trailers) {
    sent = co_await request->send_data(piece, last, trailers);
  }

  Http2World& world_;
};

class Http2World : public OneBackend {
 protected:
  Http2World() { backend.set_protocol(BackendProtocol::h2); }
  ~Http2World() override {
    backend.close_idle();
    EXPECT_TRUE(until([this] { return connector.http2_connections() == 0; }));
    EXPECT_EQ(live->per_worker[0].connections.get(), 0u);
    EXPECT_EQ(live->per_worker[0].streams.get(), 0u);
    EXPECT_EQ(backend.http2().connections(), 0u);
  }
  void backend_round() override {
    OneBackend::backend_round();
    while (ends.size() < origin.size()) {
      ends.push_back(std::make_unique<Http2Peer>(origin[ends.size()], limits));
      ends.back()->tunnels = tunnels;
    }
    for (auto& end : ends) end->poll();
  }

 public:
  // The backend's side of connection `n`, once stream `id` has its head (0: once it is there).
  Http2Peer& end(std::size_t n = 0, h2::StreamId id = 0) {
    EXPECT_TRUE(until([&] { return ends.size() > n && (id == 0 || !ends[n]->streams[id].head.empty()); }))
        << "connection " << n << " stream " << id;
    return *ends[n];
  }
  std::uint64_t streams() const { return live->per_worker[0].streams.get(); }

  h2::Limits limits;  // of connections that the backend takes from now on
  bool tunnels = true;
  std::vector<std::unique_ptr<Http2Peer>> ends;
  ProtocolConnector connector{poller, wheel, handshakes};
};

inline Call::Call(Http2World& world, std::string_view method, std::string_view target)
    : head(testing::request(method, "api.example", target)), world_(world) {
  head.is_head = method == "HEAD";
}

inline void Call::open(bool fresh) {
  request = world_.connector.open(world_.target, fresh);
  if (request->reused()) return;
  begin_connect();
  EXPECT_TRUE(world_.until([this] { return connected.has_value(); }));
  EXPECT_EQ(connected, Connected::ok);
}

inline void Call::send(std::string_view body, bool whole) {
  begin(body, whole);
  EXPECT_TRUE(world_.until([this] { return sent.has_value(); }));
  EXPECT_EQ(sent, StreamStatus::ok);
}

inline void Call::send_piece(std::string_view piece, bool last, std::span<const http::Field> trailers) {
  begin_piece(piece, last, trailers);
  EXPECT_TRUE(world_.until([this] { return sent.has_value(); }));
  EXPECT_EQ(sent, StreamStatus::ok);
}

inline std::string Call::receive() {
  begin_receive();
  EXPECT_TRUE(world_.until([this] { return received.has_value(); })) << events;
  return events;
}

inline Task<void> Call::run_send(std::string_view body, bool whole) {
  sent = co_await request->send_head(head, world_.forward, body, whole);
}

}  // namespace sluice::upstream
