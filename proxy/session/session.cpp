// The connection's life: its beginning, request after request, its end. What a request is made of is in
// session_head.cpp, session_body.cpp and session_answer.cpp.
#include "proxy/session/session.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "proxy/base/client_key.hpp"
#include "proxy/http/forwarded.hpp"
#include "proxy/net/handshakes.hpp"
#include "proxy/session/exchange.hpp"

namespace sluice::session {

using namespace std::chrono_literals;
using net::IoStatus;
using std::chrono::milliseconds;

namespace {
// How long and how far a client is read that was answered before it had sent all, so that it sees the answer
// (RFC 9112 9.6): kLinger in all, and in each read, as nginx's lingering_timeout:
constexpr auto kLingerPause = 5s;
constexpr std::uint64_t kLingerBytes = 256 << 20;
constexpr auto kLastGoodbye = 1s;  // when the process ends
}  // namespace

void Session::start(Context& context, std::shared_ptr<const client::ListenerInfo> listener, int fd,
                    const PeerInfo& caller, SessionHook& sessions) {
  auto* session = new Session(context, std::move(listener), fd, caller);
  session->SessionHook::link_before(sessions);
  spawn(session->run());
}

Session::Session(Context& context, std::shared_ptr<const client::ListenerInfo> listener, int fd,
                 const PeerInfo& caller)
    : context_(context),
      listener_(std::move(listener)),
      stream_(fd, context.poller, context.wheel),
      caller_(caller),
      trusted_(contains(listener_->spec.trusted_proxies, caller.source.ip)) {
  client_address_ = format_ip(caller.source.ip, client_address_text_);
  if (trusted_) hop_address_ = format_ip(caller.source.ip, hop_address_text_);
  if (listener_->tls) stream_.secure(listener_->tls->accept(fd));
  context_.counters.connections.add();
  listener_->connections->fetch_add(1, std::memory_order_relaxed);
}

Session::~Session() {
  SessionHook::unlink();
  if (counted_) observe::ClientTable::leave(*counted_);
  context_.counters.connections.sub();
  listener_->connections->fetch_sub(1, std::memory_order_relaxed);
}

Task<void> Session::run() {
  try {
    co_await serve();
  } catch (const std::exception& e) {  // out of memory, at worst: this connection pays, the others live
    spdlog::error("connection from {}: {}", client_address_, e.what());
    aborted_ = true;
  }
  stream_.close(aborted_);
  delete this;
}

Task<void> Session::serve() {
  if (!admit()) co_return;
  if (listener_->tls) {
    stream_.limit(listener_->spec.tls->handshake_timeout);
    const auto status = co_await stream_.handshake();
    after_handshake(status);
    if (status == IoStatus::reset && stream_.tls() && stream_.tls()->spoke_clear_text())
      co_await refuse_clear_text();
    if (status != IoStatus::ok) co_return;
  }
  for (;;) {
    HeadResult result = look_for_head();
    while (result == HeadResult::incomplete) {
      prepare_read();
      const auto read = co_await stream_.read();
      result = after_read(read);
    }
    if (result == HeadResult::refused) co_await refuse();
    if (result != HeadResult::complete) co_return;
    begin_message();
    co_await answer_request();
    if (ending_unsent_) {
      stream_.limit(listener_->spec.body_timeout);
      const auto status = co_await stream_.write(unsent_);
      after_write(status);
    }
    if (!stays_open()) {
      if (!aborted_ && !lost_ && !eof_) {
        const milliseconds patience = body_.done() || status_ == 408 ? kGoodbye : kLinger;
        co_await linger(patience);
      }
      co_return;
    }
    end_message();
  }
}

// False: this client has all the connections that it may have.
bool Session::admit() {
  if (!listener_->clients || trusted_) return true;  // a proxy in front speaks for many
  const std::uint64_t client = client_key(client_address_);
  const auto entry = listener_->clients->enter(client, listener_->spec.max_connections_per_client);
  if (entry.slot) counted_in_ = listener_->clients;  // a reload may make another table
  counted_ = entry.slot;
  if (entry.refused) context_.counters.over_client_limit.add();
  return !entry.refused;
}

void Session::after_handshake(IoStatus status) {
  net::count_handshake(context_.counters.client_handshakes, status, stream_.tls());
  if (status != IoStatus::ok) return;
  identity_ = tls::identity_fields(*stream_.tls());
  for (const auto& [name, value] : identity_) identity_fields_.push_back({name, value, http::Header::ours});
  stream_.no_limit();
}

// Its own frame, which an idle connection does not keep.
Task<void> Session::answer_request() {
  Exchange exchange(context_, *this);
  exchange_ = &exchange;
  co_await exchange.run();
  exchange_ = nullptr;
  watcher_ = nullptr;
  stream_.observe(nullptr);
}

bool Session::stays_open() const { return keep_alive_ && !aborted_ && !lost_ && body_.done() && !closing_; }

// Says goodbye so that the answer arrives: closing with unread bytes would reset the connection and may take
// the answer with it.
Task<void> Session::linger(milliseconds patience) {
  lingering_ = true;
  stream_.shutdown_send();
  const auto until = net::Clock::now() + patience;
  std::uint64_t drained = 0;
  Buffer rest;
  while (drained < kLingerBytes) {
    if (!stream_.armed()) {
      rest.clear();
      arm(rest);
    }
    const auto left = std::chrono::duration_cast<milliseconds>(until - net::Clock::now());
    if (left <= 0ms) break;
    stream_.limit(std::min<milliseconds>(left, closing_ ? kLastGoodbye : kLingerPause));
    const auto read = co_await stream_.read();
    if (read.status != IoStatus::ok) break;
    drained += read.size;
  }
}

void Session::end_when_idle() {
  closing_ = true;
  if (lingering_) stream_.limit(kLastGoodbye);
  if (idle_ && !stream_.read_ready()) stream_.cancel();  // a request that has just come is answered
}

void Session::cut() {
  closing_ = aborted_ = lost_ = true;
  stream_.cancel();
  if (exchange_) exchange_->end();
}

void Session::begin_message() {
  const http1::RequestHead& head = *head_;
  first_ = head_begun_ = false;
  body_at_ = head.size;
  body_.start(head.framing, head.content_length);
  answered_ = aborted_ = false;
  framing_ = http1::Framing::none;
  keep_alive_ = head.keep_alive;
  if (listener_->spec.max_requests > 0 && ++requests_ >= listener_->spec.max_requests) keep_alive_ = false;
  body_limit_ = listener_->spec.max_body;
  body_waited_ = 0ms;
  status_ = 0;
  bytes_in_ = bytes_out_ = 0;
  if (trusted_) {
    const Ip client = http::forwarded_client(head.fields, caller_.source.ip, listener_->spec.trusted_proxies);
    client_address_ = format_ip(client, client_address_text_);
  }
  std::string_view body;
  if (whole_body(body) && !body.empty()) {
    body_at_ += body_.next(body).consumed;
    bytes_in_ = body.size();
  }
  stream_.no_limit();
}

void Session::end_message() {
  if (body_in_use_) {
    in_.clear();
    in_.swap(body_in_);  // holds what came behind the body, and perhaps an outstanding read
    body_in_.release();
    body_in_use_ = false;
  } else {
    in_.skip(body_at_);
  }
  parser_.reset();
}

SocketAddresses Session::ends() const {
  if (caller_.destination) return {caller_.source, *caller_.destination};
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  ::getsockname(stream_.fd(), reinterpret_cast<sockaddr*>(&own), &size);
  return {caller_.source, ip_port_of(own)};
}

std::string_view Session::tls_version() const {
  return stream_.tls() ? std::string_view(SSL_get_version(stream_.tls()->ssl())) : std::string_view();
}

bool Session::secure() const {
  if (trusted_)
    if (const auto proto = http::forwarded_proto(head_->fields); !proto.empty()) return proto == "https";
  return stream_.tls() != nullptr;
}

}  // namespace sluice::session
