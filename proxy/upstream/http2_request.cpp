// The request: its place on a connection, its head and its body. The answer is in http2_response.cpp.
#include "proxy/upstream/http2_request.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "proxy/h2/head_writer.hpp"

namespace sluice::upstream {

using std::chrono::milliseconds;

namespace {
// From connections that take no more requests before they took this one.
constexpr std::size_t kMostMoves = Http2Pool::kMost;
}  // namespace

void Http2Request::SendWait::expired() {
  if (!waiting()) return;
  if (request_.unsent() < left_) return begin(limit_);
  StreamWait::expired();
  // Nor does it answer; a tunnel's directions are apart.
  if (request_.reading_ != Reading::tunnel) request_.reader_.end(StreamStatus::timed_out);
}

void Http2Request::SendWait::begin(milliseconds limit) {
  left_ = request_.unsent();
  limit_ = limit;
  set_limit(limit);
}

Http2Request::Http2Request(ConnectContext& context, const Target& target, bool fresh)
    : context_(context),
      target_(target),
      reader_(context.poller, context.wheel),
      writer_(*this, context.poller, context.wheel) {
  choose_connection(fresh);
  reused_ = place_ == Place::let_in;
}

// --- its place

void Http2Request::choose_connection(bool fresh) {
  Http2Pool& pool = target_.backend->http2();
  connection_ = fresh ? nullptr : pool.chosen_in_this_round();
  if (!connection_) {
    if (pool.wants_another(fresh)) Http2Connection::open(context_, target_);
    connection_ = pool.choose(fresh);
  }
  place_ = Place::waiting;
  if (connection_->let_in(*this)) place_ = Place::let_in;
}

void Http2Request::has_room() {
  place_ = Place::let_in;
  reader_.wake();
}

void Http2Request::look_elsewhere() {
  place_ = Place::elsewhere;
  connection_ = nullptr;
  reader_.wake();
}

void Http2Request::refuse(Connected why) {
  place_ = Place::refused;
  refused_ = why;
  connection_ = nullptr;
  reader_.wake();
}

Task<Connected> Http2Request::connect() {
  const auto deadline = net::Clock::now() + target_.timeouts->connect;
  for (std::size_t moves = 0;;) {
    switch (place_) {
      case Place::let_in:
      case Place::stream:
        co_return Connected::ok;
      case Place::refused:
        co_return refused_;
      case Place::elsewhere:
        if (++moves > kMostMoves) co_return Connected::failed;
        choose_connection(false);
        break;
      case Place::waiting: {
        const auto left = std::chrono::ceil<milliseconds>(deadline - net::Clock::now());
        reader_.set_limit(std::max(left, milliseconds(1)));
        const auto status = co_await reader_;
        if (status == StreamStatus::canceled) co_return Connected::canceled;
        if (status == StreamStatus::timed_out && place_ == Place::waiting) co_return Connected::failed;
        break;
      }
    }
  }
}

void Http2Request::cancel() {
  reader_.end(StreamStatus::canceled);
  writer_.end(StreamStatus::canceled);
}

// --- the request

void Http2Request::begin_head(const http::RequestHead& head, const http::ForwardContext& forward,
                              std::string_view body, bool whole) {
  sends_head_ = true;
  asks_ = head.is_head ? Asks::head : head.upgrade.empty() ? Asks::message : Asks::tunnel;
  if (asks_ != Asks::tunnel) return open_stream(head, forward, body, whole);
  if (const http::Field* const key = head.fields.find("sec-websocket-key")) {
    proof_ = websocket_accept(key->value);
  }
  held_ = std::make_unique<Held>(head, forward);
  sending_ = Sending::piece;
  if (connection_->knows_peer()) open_held();
}

// RFC 8441 3: only a backend that has said so opens tunnels.
void Http2Request::open_held() {
  const std::unique_ptr<Held> held = std::move(held_);
  if (session().peer_tunnels()) return open_stream(held->head, held->forward, {}, false);
  sending_ = Sending::failed;
  input_ = Input::no_tunnel;
}

void Http2Request::open_stream(const http::RequestHead& head, const http::ForwardContext& forward,
                               std::string_view body, bool whole) {
  mux::Transport& transport = connection_->transport();
  begins_at_ = transport.produced();
  h2::HeadBlock* const block = connection_->begin_stream();
  if (!block) {
    sending_ = Sending::failed;
    input_ = Input::lost;
    return;
  }
  h2::write_request(head, forward, target_.backend->tls() ? "https" : "http", *block);
  id_ = connection_->open_stream(*this, head.is_head, whole && body.empty());
  if (head.login && !forward.mirror) connection_->leave();  // R4
  place_ = Place::stream;
  phase_ = Phase::sent;
  if (!body.empty()) transport.session().send_data(id_, body, whole);
  begin_write(whole);
}

// Requires: a piece and trailers do not come together.
void Http2Request::begin_data(std::string_view piece, bool last, std::span<const http::Field> trailers) {
  assert(piece.empty() || trailers.empty());
  if (is_stopped()) {
    sending_ = Sending::failed;
    return;
  }
  if (!trailers.empty()) {
    h2::FieldList& fields = mux::Transport::fields();
    h2::write_trailers(trailers, fields);
    session().send_trailers(id_, fields);
  } else if (!piece.empty() || last) {
    session().send_data(id_, piece, last);
  }
  begin_write(last);
}

void Http2Request::begin_write(bool last) {
  sending_ = last ? Sending::last : Sending::piece;
  connection_->transport().produce_later();
}

std::size_t Http2Request::unsent() const {
  if (held_) return 1;
  return id_ == 0 ? 0 : std::as_const(*connection_).transport().session().unsent(id_);
}

void Http2Request::resume_when_sent(std::coroutine_handle<> h) {
  writer_.begin(response_limit());
  writer_.await_suspend(h);
}

// What was not sent is dropped: nobody keeps it from here on. A backend may answer before it has read all,
// and stop the rest (RFC 9113 8.1): its answer is there to be read.
StreamStatus Http2Request::take_sent() {
  const auto waited = writer_.await_resume();
  const bool with_head = std::exchange(sends_head_, false);
  if (unsent() > 0) {
    drop_piece();
    if (waited == StreamStatus::timed_out) connection_->doubt();
    if (waited != StreamStatus::ok) return waited;
  }
  if (is_stopped()) {
    sending_ = Sending::failed;
    const bool seen_later = with_head && (input_ != Input::lost || phase_ == Phase::answered);
    return seen_later ? StreamStatus::ok : StreamStatus::reset;
  }
  if (sending_ == Sending::last) {
    sending_ = Sending::whole;
    if (reader_.waiting()) reader_.set_limit(response_limit());
  } else {
    sending_ = Sending::waiting;
  }
  return StreamStatus::ok;
}

// The backend takes no more of the request.
bool Http2Request::is_stopped() {
  if (sending_ == Sending::failed || connection_->is_lost()) return true;
  if (input_ == Input::open) return false;
  return input_ != Input::whole || (sending_ == Sending::piece && session().ended(id_));
}

void Http2Request::drop_piece() {
  sending_ = Sending::failed;
  held_.reset();
  if (id_ == 0) return;
  session().reset(id_, h2::ErrorCode::cancel);
  connection_->transport().produce_later();
  if (input_ == Input::open) input_ = Input::lost;
}

void Http2Request::on_settings() {
  if (!held_) return;
  open_held();
  writer_.wake();
}

// --- the end

void Http2Request::end(bool) {
  if (connection_) connection_->leave_out(*this);
  delete this;
}

}  // namespace sluice::upstream
