#include "proxy/client/connection.hpp"

#include <openssl/ssl.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <utility>

#include "proxy/base/client_key.hpp"
#include "proxy/client/http1_connection.hpp"
#include "proxy/client/http2_connection.hpp"
#include "proxy/client/refusal.hpp"
#include "proxy/http/forwarded.hpp"
#include "proxy/net/handshakes.hpp"

namespace sluice::client {

using net::IoStatus;

void Connection::start(WorkerContext& worker, StreamHandler& handler,
                       std::shared_ptr<const ListenerInfo> listener, int fd, const PeerInfo& peer,
                       ConnectionHook& list) {
  auto* connection = new Connection(worker, handler, std::move(listener), fd, peer);
  connection->link_before(list);
  spawn(connection->run(false));
}

Connection::Connection(WorkerContext& worker, StreamHandler& handler,
                       std::shared_ptr<const ListenerInfo> listener, int fd, const PeerInfo& peer)
    : worker_(worker),
      handler_(handler),
      listener_(std::move(listener)),
      socket_(fd, worker.poller, worker.wheel),
      peer_(peer),
      trusted_(contains(listener_->spec.trusted_proxies, peer.source.ip)),
      peer_address_(format_ip(peer.source.ip, peer_address_text_)) {
  if (listener_->tls) socket_.secure(listener_->tls->accept(fd));
  worker_.counters.connections.add();
  listener_->connections->fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection() {
  unlink();
  ++worker_.let_go;
  if (counted_) observe::ClientTable::leave(*counted_);
  worker_.counters.connections.sub();
  listener_->connections->fetch_sub(1, std::memory_order_relaxed);
}

Task<void> Connection::run(bool parked) {
  auto end = Http1End::closed;
  try {
    if (parked) {
      end = co_await speak_http1();
    } else if (admit()) {
      auto status = IoStatus::ok;
      if (listener_->tls) {
        socket_.set_timeout(listener_->spec.tls->handshake_timeout);
        status = co_await socket_.handshake();
        after_handshake(status);
      }
      switch (choose_protocol(status)) {
        case Protocol::http1:
          end = co_await speak_http1();
          break;
        case Protocol::http2:
          end = Http1End::http2;
          break;
        case Protocol::http_to_a_tls_port:
          co_await refuse_clear_text();
          break;
        case Protocol::none:
          break;
      }
    }
    if (end == Http1End::http2) co_await speak_http2();
  } catch (const std::exception& e) {  // such as bad_alloc: this connection ends, the others go on
    spdlog::error("connection from {}: {}", peer_address_, e.what());
    reset_ = true;
    end = Http1End::closed;
  }
  if (end == Http1End::parked) co_return park();
  socket_.close(reset_);
  delete this;
}

// kPark is over; what is left of the client's time is the last that was set.
void Connection::park() {
  socket_.arm(came_);
  socket_.observe(this);
  ++worker_.let_go;
}

// Bytes, the client's end, the end of its time or cancel(): HTTP/1 takes it from here.
void Connection::on_unawaited_read() {
  socket_.observe(nullptr);
  spawn(run(true));
}

// False: the client has as many connections as a client may have.
bool Connection::admit() {
  if (!listener_->clients || trusted_)
    return true;  // a trusted proxy's connections are those of many clients
  const std::uint64_t client = client_key(peer_address_);
  const auto entry = listener_->clients->enter(client, listener_->spec.max_connections_per_client);
  if (entry.slot) counted_in_ = listener_->clients;  // a reload may make another table
  counted_ = entry.slot;
  if (entry.refused) worker_.counters.over_client_limit.add();
  return !entry.refused;
}

void Connection::after_handshake(IoStatus status) {
  net::count_handshake(worker_.counters.client_handshakes, status, socket_.tls());
  if (status != IoStatus::ok) return;
  certificate_ = tls::identity_fields(*socket_.tls());
  for (const auto& [name, value] : certificate_) identity_.push_back({name, value, http::Header::ours});
  socket_.clear_timeout();
}

// THE place where a client's protocol is chosen: by ALPN behind TLS, where ServerContext::on_alpn agrees to
// what the listener speaks; in clear by the first bytes, which HTTP/1 reads until they show otherwise
// (chooses_by_preface()). An ACME server has seen what it came for with the handshake (RFC 8737 3), and was
// asked for no certificate.
Connection::Protocol Connection::choose_protocol(IoStatus handshake) const {
  if (handshake == IoStatus::ok) {
    const std::string_view alpn = socket_.tls() ? socket_.tls()->alpn() : std::string_view();
    if (alpn == tls::kAcmeProtocol) return Protocol::none;
    const bool agreed = alpn == "h2";
    return agreed || !listener_->spec.protocols.h1 ? Protocol::http2 : Protocol::http1;
  }
  const bool clear_text = handshake == IoStatus::reset && socket_.tls() && socket_.tls()->spoke_clear_text();
  return clear_text ? Protocol::http_to_a_tls_port : Protocol::none;
}

Task<Http1End> Connection::speak_http1() {
  Http1Connection http1(*this);
  protocol_ = &http1;
  const auto end = co_await http1.serve();
  protocol_ = nullptr;
  co_return end;
}

Task<void> Connection::speak_http2() {
  Http2Connection http2(*this);
  protocol_ = &http2;
  co_await http2.serve(came_);
  protocol_ = nullptr;
}

// Plain HTTP came to a port that speaks TLS: the client is told so in plain HTTP.
Task<void> Connection::refuse_clear_text() {
  socket_.drop_tls();
  Http1Connection http1(*this);
  protocol_ = &http1;
  co_await http1.refuse(kClearText);
  protocol_ = nullptr;
}

void Connection::drain() {
  draining_ = true;
  if (protocol_) return protocol_->drain();
  if (!socket_.read_ready()) socket_.cancel();  // what a parked client has just sent is answered
}

void Connection::close_now() {
  draining_ = reset_ = true;
  if (protocol_) return protocol_->close_now();
  socket_.cancel();
}

bool Connection::serves_host(std::string_view host) const {
  return !socket_.tls() || !listener_->spec.tls->check_host || host.empty() ||
         tls::covers_host(*socket_.tls(), host);
}

SocketAddresses Connection::addresses() const {
  if (peer_.destination) return {peer_.source, *peer_.destination};
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  ::getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&own), &size);
  return {peer_.source, ip_port_of(own)};
}

ClientInfo Connection::info() const {
  ClientInfo info;
  info.address = info.peer_address = peer_address_;
  info.listener = listener_->spec.name;
  if (socket_.tls()) info.tls_version = SSL_get_version(socket_.tls()->ssl());
  info.identity = identity_;
  info.trusted = trusted_;
  info.secure = socket_.tls() != nullptr;
  return info;
}

void Connection::describe_client(const http::Fields& fields, IpText& text, ClientInfo& info) const {
  if (!trusted_) return;
  info.address = format_ip(http::forwarded_client(fields, peer_ip(), listener_->spec.trusted_proxies), text);
  const std::string_view proto = http::forwarded_proto(fields);
  info.secure = proto.empty() ? socket_.tls() != nullptr : proto == "https";
}

}  // namespace sluice::client
