#include "proxy/upstream/http2_connection.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "proxy/upstream/connect.hpp"
#include "proxy/upstream/http2_request.hpp"

namespace sluice::upstream {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kProbeEvery = 30s;  // of a connection without requests; as gRPC's keep-alive allows
constexpr milliseconds kProbeLimit = 10s;

}  // namespace

// The rest runs in the next round.
struct Http2Connection::NextRound {
  net::Poller& poller;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) { poller.resume_later(h); }
  void await_resume() const noexcept {}
};

void Http2Connection::open(ConnectContext& context, const Target& target) {
  auto* const opened = new Http2Connection(context, target, nullptr);
  spawn(opened->run());
}

void Http2Connection::adopt(ConnectContext& context, const Target& target, std::unique_ptr<Connection> made) {
  auto* const opened = new Http2Connection(context, target, std::move(made));
  spawn(opened->run());
}

Http2Connection::Http2Connection(ConnectContext& context, const Target& target,
                                 std::unique_ptr<Connection> made)
    : Deadline(context.wheel),
      context_(context),
      backend_(*target.backend),
      to_(*target.to),
      timeouts_(*target.timeouts),
      made_(made != nullptr),
      counts_handshake_(!target.is_copy),
      conn_(std::move(made)) {
  if (!conn_) conn_ = std::make_unique<Connection>(context.poller, context.wheel, backend_);
  backend_.http2().add(*this);
  ++context_.http2_connections;
}

Http2Connection::~Http2Connection() {
  Connection::retire(std::move(conn_));
  backend_.http2().remove();
  --context_.http2_connections;
}

// --- its life

Task<void> Http2Connection::run() {
  co_await NextRound{context_.poller};
  try {
    Connected connected = Connected::ok;
    if (!made_) connected = co_await connect();
    if (connected == Connected::ok) {
      co_await speak();
    } else {
      refuse_waiting(connected);
    }
  } catch (const std::exception& e) {  // out of memory, at worst
    spdlog::error("backend {}: {}", to_.name, e.what());
    if (transport_) transport_->lose();
    refuse_waiting(Connected::failed);
  }
  end_streams();
  reading_over_ = true;
  if (in_use() || (transport_ && transport_->writing())) co_await ended_;
  delete this;
}

Task<Connected> Http2Connection::connect() {
  Target target;
  target.backend = &backend_;
  target.to = &to_;
  target.timeouts = &timeouts_;
  target.is_copy = !counts_handshake_;
  const Connected connected = co_await open_connection(*conn_, target, context_.handshakes);
  if (connected != Connected::ok || agrees()) co_return connected;
  co_return Connected::failed_handshake;
}

// RFC 9113 3.2: behind TLS HTTP/2 is what ALPN says.
bool Http2Connection::agrees() const {
  const tls::Channel* const tls = conn_->stream.tls();
  const bool agreed = !tls || tls->alpn() == "h2";
  bool& told = backend_.http2().told_of_no_http2;
  if (!agreed && backend_.protocol() == BackendProtocol::h2 && !told)
    spdlog::warn("backend {}: TLS does not agree to HTTP/2 (ALPN h2), which its pool's protocol is",
                 to_.name);
  told = !agreed;
  backend_.http2().agreed = agreed;
  return agreed;
}

Task<void> Http2Connection::speak() {
  conn_->stream.clear_timeout();
  transport_.emplace(static_cast<mux::TransportOwner&>(*this), conn_->stream, context_.poller,
                     h2::Role::client, h2::Limits(), timeouts_.response);
  if (state_ == State::connecting) state_ = State::ready;
  let_waiting_in();
  if (state_ == State::ready && !backend_.keeps(*conn_)) leave();
  if (state_ == State::leaving) send_waiting_away();
  rest();
  const auto status = co_await transport_->read();
  disarm();
  if (status != net::IoStatus::canceled) transport_->lose();
}

void Http2Connection::end_streams() {
  if (state_ != State::lost) on_lost();
}

void Http2Connection::check_end() {
  if (reading_over_ && !in_use() && !(transport_ && transport_->writing())) ended_.fire();
}

// --- requests

bool Http2Connection::has_room() const {
  if (!transport_ || state_ == State::lost || transport_->is_full()) return false;
  const h2::Session& session = transport_->session();
  return session.room() > reserved_ && session.open_streams() + reserved_ < bears_.most();
}

std::size_t Http2Connection::most_streams() const {
  if (!knows_peer_) return backend_.http2().expected_streams;
  return std::min(
      {Http2Pool::kMostStreams, bears_.most(), transport_->session().room() + taken_.size() - reserved_});
}

bool Http2Connection::let_in(Http2Request& request) {
  if (!has_room()) {
    waiting_.push_back(request);
    return false;
  }
  taken_.push_back(request);
  ++reserved_;
  if (!asked_alive_) disarm();
  return true;
}

void Http2Connection::let_waiting_in() {
  while (!waiting_.empty() && has_room()) {
    Http2Request& first = Http2Request::from(waiting_.front());
    waiting_.remove(first);
    let_in(first);
    first.has_room();
  }
}

void Http2Connection::send_waiting_away() {
  waiting_.each([this](RequestHook& request) {
    waiting_.remove(request);
    Http2Request::from(request).look_elsewhere();
  });
}

void Http2Connection::refuse_waiting(Connected why) {
  waiting_.each([this, why](RequestHook& request) {
    waiting_.remove(request);
    Http2Request::from(request).refuse(why);
  });
}

h2::HeadBlock* Http2Connection::begin_stream() {
  return state_ == State::lost ? nullptr : transport_->session().begin_open();
}

h2::StreamId Http2Connection::open_stream(Http2Request& request, bool is_head, bool end) {
  auto* const user = static_cast<mux::StreamUser*>(&request);
  const h2::StreamId id = transport_->session().end_open(is_head, end, user);
  --reserved_;
  backend_.counters().streams.add();
  transport_->produce_later();
  return id;
}

void Http2Connection::leave_out(Http2Request& request) {
  (request.waits() ? waiting_ : taken_).remove(request);
  if (!request.waits() && request.id() == 0) --reserved_;
  if (request.id() != 0) {
    backend_.counters().streams.sub();
    transport_->session().forget(request.id());
    transport_->produce_later();
    if (request.ended_well()) bears_.ended_well();
  }
  if (state_ == State::lost) return check_end();
  if (transport_ && transport_->session().spent()) leave();
  let_waiting_in();
  rest();
}

// --- without requests

// X5. Who comes finds it alive: it is asked now and then while nobody uses it.
void Http2Connection::rest() {
  if (in_use() || !transport_) return;
  if (state_ == State::ready && !backend_.keeps(*conn_)) leave();
  if (state_ == State::leaving) {
    transport_->session().go_away(h2::ErrorCode::no_error);
    return transport_->produce_later();
  }
  rested_ = 0ms;
  if (state_ == State::ready && !asked_alive_) expires_after(std::min(timeouts_.idle, kProbeEvery));
}

void Http2Connection::doubt() {
  if (state_ == State::lost || asked_alive_) return;
  asked_alive_ = true;
  transport_->session().ping();
  transport_->produce_later();
  expires_after(kProbeLimit);
}

void Http2Connection::expired() {
  if (asked_alive_) {
    spdlog::debug("backend {}: no answer to a PING", to_.name);
    return transport_->lose();
  }
  rested_ += std::min(timeouts_.idle, kProbeEvery);
  if (rested_ >= timeouts_.idle) return leave();
  doubt();
}

void Http2Connection::leave() {
  if (state_ == State::leaving || state_ == State::lost) return;
  const bool connects = state_ == State::connecting;
  state_ = State::leaving;
  backend_.http2().take_no_more(*this);
  if (connects) {  // who waits for it already is let in first
    if (!in_use()) conn_->stream.cancel();
    return;
  }
  send_waiting_away();
  rest();
}

// --- what comes

void Http2Connection::on_event(const h2::Event& event) {
  using Kind = h2::Event::Kind;
  auto* const request = static_cast<Http2Request*>(static_cast<mux::StreamUser*>(event.user));
  switch (event.kind) {
    case Kind::reset:
      if (event.unprocessed) backend_.counters().streams_refused.add();
      if (state_ == State::ready && (event.unprocessed || event.error == h2::ErrorCode::enhance_your_calm))
        bears_.refused(transport_->session().open_streams());
      [[fallthrough]];
    case Kind::head:
    case Kind::data:
    case Kind::trailers:
    case Kind::end:
      if (request) request->on_event(event);
      return;
    case Kind::go_away:
      return leave();
    case Kind::settings:
      has_learnt_ = true;
      knows_peer_ = true;
      backend_.http2().expected_streams = std::max<std::size_t>(1, most_streams());
      return taken_.each([](RequestHook& one) { Http2Request::from(one).on_settings(); });
    case Kind::pong:
      asked_alive_ = false;
      disarm();
      if (!in_use()) expires_after(std::min(timeouts_.idle - rested_, kProbeEvery));
      return;
    case Kind::failed:
      spdlog::debug("backend {}: HTTP/2: {}", to_.name, event.reason);
      taken_.each([](RequestHook& one) { Http2Request::from(one).on_broken(); });
      return on_lost();
  }
}

// Who has waited for more streams than there are looks for room elsewhere.
void Http2Connection::on_decoded() {
  let_waiting_in();
  if (!std::exchange(has_learnt_, false) || state_ != State::ready) return;
  if (!waiting_.empty() && backend_.http2().wants_another(false)) send_waiting_away();
}

void Http2Connection::on_sent() {
  let_waiting_in();
  const bool said_goodbye = state_ == State::leaving && !in_use();
  if (said_goodbye || transport_->session().is_over()) transport_->stop();
}

void Http2Connection::on_lost() {
  disarm();
  state_ = State::lost;
  backend_.http2().take_no_more(*this);
  send_waiting_away();
  taken_.each([](RequestHook& one) { Http2Request::from(one).on_lost(); });
}

}  // namespace sluice::upstream
