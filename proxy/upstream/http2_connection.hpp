// HTTP/2 on a connection to a backend, which many requests share. It connects, lets requests in as far as the
// backend takes streams, hands them what comes, and leaves when the backend says so, drains or moves: then
// nothing new is let in, and it closes after its last request. Owns itself. Worker only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "proxy/mux/transport.hpp"
#include "proxy/observe/worker_counters.hpp"
#include "proxy/upstream/connection.hpp"
#include "proxy/upstream/request.hpp"
#include "proxy/upstream/request_list.hpp"
#include "proxy/upstream/stream_limit.hpp"

namespace sluice::upstream {

class Http2Request;

// What a worker lends those who connect to backends.
struct ConnectContext {
  net::Poller& poller;
  net::TimerWheel& wheel;
  observe::HandshakeCounters& handshakes;  // of backends
  std::size_t http2_connections = 0;       // that have not ended
};

// Many methods: it is the owner of a transport, a member of a pool, and what its requests speak through.
class Http2Connection final : private mux::TransportOwner, private net::Deadline {
 public:
  // Begins to connect to the target's backend, in the next round, and takes requests from now on.
  static void open(ConnectContext& context, const Target& target);
  // The same on a connection that is made already.
  static void adopt(ConnectContext& context, const Target& target, std::unique_ptr<Connection> made);

  // --- for its pool
  bool has_room() const;  // for a request at once
  std::size_t load() const { return taken_.size() + waiting_.size(); }
  bool is_above_half() const {
    const std::size_t most = most_streams();
    return load() * 2 > most || most == 0;
  }
  bool sends_soon() const { return transport_ && transport_->sends_soon(); }
  bool is_new() const { return state_ == State::connecting; }
  Connection& made() { return *conn_; }
  void leave();

  // --- for its requests
  // True: it may open its stream. False: it is told when it may, or that it may not here.
  bool let_in(Http2Request& request);
  void leave_out(Http2Request& request);  // it ends; may destroy the connection
  // Where the head of a stream goes. Null: none may be opened after all; the backend got nothing of it.
  h2::HeadBlock* begin_stream();
  // The head has been said, of a HEAD or not.
  h2::StreamId open_stream(Http2Request& request, bool is_head, bool end);
  mux::Transport& transport() { return *transport_; }
  const mux::Transport& transport() const { return *transport_; }
  bool is_lost() const { return state_ == State::lost; }
  bool knows_peer() const { return knows_peer_; }  // its SETTINGS have come
  // A request had no answer in time: whether the connection is alive is asked.
  void doubt();
  ConnectContext& context() { return context_; }

 private:
  enum class State : std::uint8_t {
    connecting,
    ready,
    leaving,  // takes no more requests
    lost,     // nothing can be sent or read any more
  };

  struct NextRound;

  Http2Connection(ConnectContext& context, const Target& target, std::unique_ptr<Connection> made);
  ~Http2Connection() override;
  Task<void> run();
  Task<Connected> connect();
  bool agrees() const;
  Task<void> speak();
  std::size_t most_streams() const;
  void refuse_waiting(Connected why);
  void let_waiting_in();
  void send_waiting_away();
  void end_streams();
  bool in_use() const { return load() > 0; }
  void rest();
  void check_end();
  void expired() override;

  // TransportOwner
  void on_event(const h2::Event& event) override;
  void on_decoded() override;
  void on_sent() override;
  void on_lost() override;
  void on_quiet() override { check_end(); }
  bool may_park() const override { return !in_use(); }

  ConnectContext& context_;
  Backend& backend_;
  const route::Backend to_;  // a copy: requests come and go while it connects
  const config::TimeoutSpec timeouts_;
  const bool made_;  // connected by another
  const bool counts_handshake_;
  std::unique_ptr<Connection> conn_;
  std::optional<mux::Transport> transport_;  // from its connecting on

  State state_ = State::connecting;
  bool knows_peer_ = false, has_learnt_ = false;  // has_learnt_: in what is being decoded
  bool asked_alive_ = false;                      // a PING waits for its answer
  bool reading_over_ = false;                     // run() waits for the last request
  std::chrono::milliseconds rested_{0};           // without a request, up to the last PING
  RequestList taken_;                             // they may open streams, or have
  RequestList waiting_;                           // for room
  std::size_t reserved_ = 0;                      // of those taken, that have not opened their streams
  StreamLimit bears_;                             // of those taken
  Event ended_;
};

}  // namespace sluice::upstream
