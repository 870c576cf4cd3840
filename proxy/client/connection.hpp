// One accepted client connection, whatever protocol the client speaks on it. It counts itself, lets the
// client in, does the TLS handshake and knows who the peer is; then it chooses what speaks the client's
// protocol (choose_protocol) and hands over. The worker sees nothing else of its clients. Frees itself.
//
// A client of HTTP/1 that says nothing for long is parked: no coroutine serves it then, and this object is
// all that there is of it. Its next byte, the end of its time or of the worker wakes it. Worker only.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "proxy/base/buffer.hpp"
#include "proxy/base/network.hpp"
#include "proxy/base/task.hpp"
#include "proxy/client/client_stream.hpp"
#include "proxy/client/listener_info.hpp"
#include "proxy/client/worker_context.hpp"
#include "proxy/net/stream.hpp"
#include "proxy/upstream/logins.hpp"

namespace sluice::client {

struct ConnectionHook : net::WheelHook {};

// How HTTP/1 on a connection ends.
enum class Http1End : std::uint8_t {
  closed,  // the connection is to end
  http2,   // it began with HTTP/2's preface, which is in Connection::came(): nothing was answered
  parked,  // the client has said nothing for kPark; the connection goes on when it does
};

// Speaks the client's protocol on a connection. Called between the TLS handshake and the connection's end.
class ProtocolDriver {
 public:
  virtual void drain() = 0;   // as Connection::drain()
  virtual void retire() = 0;  // as Connection::retire()
  virtual bool is_idle() const = 0;
  virtual void close_now() = 0;  // as Connection::close_now()

 protected:
  ~ProtocolDriver() = default;
};

// Many methods: what speaks the client's protocol asks it for all that is the connection's (worker, listener,
// socket, peer, logins).
class Connection final : private ConnectionHook, private net::ReadObserver {
 public:
  // Serves `fd`, a connected non-blocking socket, until it ends; `handler` answers the requests. `list` is
  // the worker's list of connections.
  static void start(WorkerContext& worker, StreamHandler& handler,
                    std::shared_ptr<const ListenerInfo> listener, int fd, const PeerInfo& peer,
                    ConnectionHook& list);
  static Connection& from(net::WheelHook& hook) {
    return static_cast<Connection&>(static_cast<ConnectionHook&>(hook));
  }

  // Shutdown: a connection without a request under way ends now; one with a request ends after it.
  void drain();
  // Another process has taken over: the client is asked to go where its protocol can say so without a
  // request being lost. HTTP/1 says it with the next answer.
  void retire() {
    if (protocol_) protocol_->retire();
  }
  // No request is under way, nor has one begun to come.
  bool is_idle() const { return protocol_ ? protocol_->is_idle() : !socket_.read_ready(); }
  // Nor has the client said anything for a while: it is not in the midst of asking one thing after the other.
  bool is_quiet() const { return !protocol_ && requests_ > 0 && !socket_.read_ready(); }
  // Ends now, whatever runs, with a reset.
  void close_now();

  // --- for what speaks the protocol
  WorkerContext& worker() const { return worker_; }
  StreamHandler& handler() { return handler_; }
  const ListenerInfo& listener() const { return *listener_; }
  net::Stream& socket() { return socket_; }
  upstream::Logins& logins() { return logins_; }
  const Ip& peer_ip() const { return peer_.source.ip; }
  std::string_view peer_address() const { return peer_address_; }  // without the port
  bool is_trusted() const { return trusted_; }
  bool is_draining() const { return draining_; }
  SocketAddresses addresses() const;
  // What is the same for every request of the connection.
  ClientInfo info() const;
  // For whom a request with these fields asks, and how that client came: as a trusted peer says. `text` keeps
  // the address.
  void describe_client(const http::Fields& fields, IpText& text, ClientInfo& info) const;
  void reset_at_end() { reset_ = true; }
  // What has come and nobody has used: of a protocol that another one is to speak, or of a client that was
  // parked.
  Buffer& came() { return came_; }
  // How many requests of HTTP/1 have come so far.
  std::uint64_t& requests() { return requests_; }
  // Whether what this connection's client was shown is for that host (RFC 9110 15.5.20). A request without a
  // host (HTTP/1.0) is for whoever answers here.
  bool serves_host(std::string_view host) const;
  // In clear nothing but the first bytes says that the client speaks HTTP/2 (RFC 9113 3.3).
  bool chooses_by_preface() const { return !listener_->tls && listener_->spec.protocols.h2; }

 private:
  enum class Protocol : std::uint8_t { none, http1, http2, http_to_a_tls_port };

  Connection(WorkerContext& worker, StreamHandler& handler, std::shared_ptr<const ListenerInfo> listener,
             int fd, const PeerInfo& peer);
  ~Connection();

  // From the accept on, or on from where it was parked.
  Task<void> run(bool parked);
  void park();
  void on_unawaited_read() override;
  bool admit();
  void after_handshake(net::IoStatus status);
  Protocol choose_protocol(net::IoStatus handshake) const;
  Task<Http1End> speak_http1();
  Task<void> speak_http2();
  Task<void> refuse_clear_text();

  WorkerContext& worker_;
  StreamHandler& handler_;
  const std::shared_ptr<const ListenerInfo> listener_;
  net::Stream socket_;
  const PeerInfo peer_;
  const bool trusted_;  // one of the listener's trusted proxies: what it says of the client is believed
  IpText peer_address_text_;
  std::string_view peer_address_;
  std::vector<tls::IdentityField> certificate_;  // what the backend is told of the client's certificate
  std::vector<http::Field> identity_;            // views of certificate_
  upstream::Logins logins_;
  Buffer came_;
  std::uint64_t requests_ = 0;
  ProtocolDriver* protocol_ = nullptr;             // null before the handshake is done, and while parked
  bool draining_ = false;                          // shutdown asked for the end
  bool reset_ = false;                             // the connection ends with a reset
  observe::ClientTable::Slot* counted_ = nullptr;  // the client's count of connections, this one among them
  std::shared_ptr<observe::ClientTable> counted_in_;
};

}  // namespace sluice::client
