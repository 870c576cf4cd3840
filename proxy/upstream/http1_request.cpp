#include "proxy/upstream/http1_request.hpp"

#include "proxy/http1/chunked.hpp"
#include "proxy/http1/head_writer.hpp"
#include "proxy/http1/request_writer.hpp"
#include "proxy/upstream/connect.hpp"

namespace sluice::upstream {

using net::IoStatus;
using net::to_stream_status;

namespace {
constexpr std::size_t kMostHeads = 1536;      // bytes that most heads have, with what a proxy adds
constexpr std::size_t kSmallBody = 8 * 1024;  // a body this small travels in the same buffer as the head
}  // namespace

class Http1Request::Pieces {
 public:
  void add(std::string_view bytes) { pieces_[count_++] = {const_cast<char*>(bytes.data()), bytes.size()}; }
  operator std::span<const iovec>() const { return {pieces_, count_}; }

 private:
  iovec pieces_[net::Stream::WriteAwaiter::kMaxPieces];
  std::size_t count_ = 0;
};

Http1Request::Http1Request(const Target& target, std::unique_ptr<Connection> conn,
                           const net::TimerWheel& wheel, observe::HandshakeCounters& handshakes)
    : target_(target), conn_(std::move(conn)), wheel_(wheel), handshakes_(handshakes) {
  reused_ = conn_->reused;
}

Task<Connected> Http1Request::connect() {
  const Connected connected = co_await open_connection(*conn_, target_, handshakes_);
  if (connected == Connected::ok) conn_->arm();
  co_return connected;
}

// --- the request

void Http1Request::begin_head(const http::RequestHead& head, const http::ForwardContext& forward,
                              std::string_view body, bool whole) {
  is_head_ = head.is_head;
  upgrade_asked_ = !head.upgrade.empty();
  chunked_ = head.body == http::BodyLength::unknown;
  if (head.login && !forward.mirror) conn_->login = true;
  takes_pipes_ = !conn_->stream.tls();
  out_.reserve(kMostHeads);
  if (upgrade_asked_ && head.over_http2)
    write_opening(head, forward);
  else
    http1::write_request(head, forward, out_);
  Pieces pieces;
  if (!chunked_ && body.size() <= kSmallBody) {
    out_.append(body);
    pieces.add(out_.view());
  } else {
    body_apart_ = whole || !body.empty();
    pieces.add(out_.view());
    add_body(pieces, body, whole, {});
  }
  phase_ = Phase::sent;
  begin_write(pieces, whole);
}

// A client over HTTP/2 proves nothing (RFC 8441 5): the key is ours, unless it has sent one all the same.
void Http1Request::write_opening(const http::RequestHead& head, const http::ForwardContext& forward) {
  const http::Field* const own = head.fields.find("sec-websocket-key");
  const WebSocketKey made = make_websocket_key(forward.random);
  const std::string_view key(made.data(), made.size());
  http::ForwardContext with_key = forward;
  if (!own) with_key.websocket_key = key;
  http1::write_request(head, with_key, out_);
  proof_ = std::make_unique<const WebSocketAccept>(websocket_accept(own ? own->value : key));
}

bool Http1Request::opens_tunnel() const {
  if (!answer_.upgrade || !upgrade_asked_) return false;  // nobody asked for it
  if (!proof_) return true;                               // the client sees to that
  const http::Field* const accept = answer_.fields.find("sec-websocket-accept");
  return accept && accept->value == std::string_view(proof_->data(), proof_->size());
}

void Http1Request::begin_data(std::string_view piece, bool last, std::span<const http::Field> trailers) {
  Pieces pieces;
  out_.clear();
  add_body(pieces, piece, last, trailers);
  begin_write(pieces, last);
}

// At most five pieces. Requires: out_ holds no lines that are still to be written, or no trailers are given.
void Http1Request::add_body(Pieces& pieces, std::string_view piece, bool last,
                            std::span<const http::Field> trailers) {
  if (!chunked_) return pieces.add(piece);
  if (!piece.empty()) {
    pieces.add({chunk_head_.data(), http1::encode_chunk_head(chunk_head_, piece.size())});
    pieces.add(piece);
    pieces.add("\r\n");
  }
  if (!last) return;
  if (trailers.empty()) return pieces.add(http1::kLastChunk);
  http1::write_last_chunk(trailers, out_);
  pieces.add(out_.view());
}

void Http1Request::begin_piped(Pipe& piece) {
  Pieces pieces;
  if (chunked_) pieces.add({chunk_head_.data(), http1::encode_chunk_head(chunk_head_, piece.size())});
  begin_write(pieces, false, &piece);
}

void Http1Request::begin_write(const Pieces& pieces, bool last, Pipe* behind) {
  sending_ = last ? Sending::last : Sending::piece;
  conn_->stream.set_timeout(target_.timeouts->response);
  write_.emplace(conn_->stream, pieces, behind);
  if (behind && chunked_) write_->end_line();
}

// A backend that refuses a body closes early; its answer may be there to read.
StreamStatus Http1Request::take_sent() {
  const IoStatus status = write_->await_resume();
  if (status != IoStatus::ok) {
    sending_ = Sending::failed;
    return status == IoStatus::reset && body_apart_ ? StreamStatus::ok : to_stream_status(status);
  }
  if (sending_ == Sending::last) {
    sending_ = Sending::whole;
    out_.release();
  } else {
    sending_ = Sending::waiting;
    conn_->stream.clear_timeout();
  }
  return StreamStatus::ok;
}

// --- the answer

AnswerEvent Http1Request::next() {
  switch (reading_) {
    case Reading::head:
      return next_of_head();
    case Reading::body:
      return next_of_body();
    case Reading::closed:
      reading_ = Reading::whole;
      return {AnswerEvent::Kind::end};
    case Reading::whole:
    case Reading::tunnel:
      return {};
    case Reading::failed:
      return fail();
  }
  return {};
}

// The bytes are taken off the buffer here; they stay where they are until the next read.
AnswerEvent Http1Request::next_of_head() {
  Buffer& in = conn_->in;
  if (in.empty()) return {};
  const auto parsed = conn_->parser.parse(in.view(), answer_, is_head_);
  if (parsed == http1::Status::more) return {};
  if (parsed == http1::Status::refused) return fail();
  in.consume(answer_.size);
  conn_->parser.reset();
  if (answer_.login) conn_->login = true;
  if (answer_.status == 101) {
    if (!opens_tunnel()) return fail();
    reading_ = Reading::tunnel;
    return {AnswerEvent::Kind::tunnel};
  }
  if (answer_.status < 200) return {AnswerEvent::Kind::interim};
  body_.start(answer_.framing, answer_.content_length);
  reading_ = Reading::body;
  return {AnswerEvent::Kind::head};
}

AnswerEvent Http1Request::next_of_body() {
  if (!pipe_.empty()) {
    body_.skip(pipe_.size());
    if (body_.done()) reading_ = Reading::whole;
    return {AnswerEvent::Kind::data, body_.done(), FailureKind::none, {}, &pipe_};
  }
  Buffer& in = conn_->in;
  while (!body_.done()) {
    if (in.empty()) return {};
    const auto step = body_.next(in.view());
    in.consume(step.consumed);
    if (step.kind == http1::BodyStep::Kind::refused) return fail();
    if (step.kind != http1::BodyStep::Kind::data) continue;
    const bool last = body_.done();
    if (last) reading_ = Reading::whole;
    return {AnswerEvent::Kind::data, last, FailureKind::none, step.data};
  }
  reading_ = Reading::whole;
  return {AnswerEvent::Kind::end};
}

AnswerEvent Http1Request::fail() {
  reading_ = Reading::failed;
  return {AnswerEvent::Kind::failed, false, FailureKind::protocol, {}};
}

// Who wants little at once gets what is there already at once, too: it is in the cache from reading to
// sending.
bool Http1Request::has_arrived() {
  net::Stream& stream = conn_->stream;
  if (!stream.armed() && most_read_ < Buffer::kLarge && conn_->in.empty()) {
    conn_->in.clear();
    stream.limit_reads(most_read_);
    stream.read_now(conn_->in);
  }
  if (stream.armed()) return stream.read_ready();
  if (conn_->arm()) {
    if (reading_ == Reading::body) await_much();
    return stream.read_ready();
  }
  reading_ = Reading::failed;  // the head outgrew the buffer
  return true;
}

// Of a long body.
void Http1Request::await_much() {
  const std::uint64_t known = body_.known();
  if (known < kWorthAPipe || most_read_ < Buffer::kLarge || !conn_->stream.reading()) return;
  // By a pipe it makes no difference.
  if (!pipes_allowed_ && !body_.ends_at_eof()) conn_->expect(known);
  read_much(known);
}

// Once so much came at a time that the next read will bring much.
void Http1Request::read_much(std::uint64_t most) {
  if (!conn_->stream.brought_many()) return;
  if (pipes_allowed_ && takes_pipes_ && most >= kWorthAPipe)
    conn_->stream.read_into_pipe(pipe_, most);
  else
    conn_->stream.read_late();
}

void Http1Request::resume_when_arrived(std::coroutine_handle<> h) {
  if (sending_ == Sending::whole || sending_ == Sending::failed)
    conn_->stream.set_timeout(target_.timeouts->response);
  conn_->stream.limit_reads(most_read_);
  conn_->stream.read().await_suspend(h);
}

StreamStatus Http1Request::take_arrival() {
  if (reading_ == Reading::failed) return StreamStatus::ok;
  const auto read = conn_->stream.take();
  if (read.status == IoStatus::ok) {
    if (pipe_.empty()) conn_->in.commit(read.size);
    last_byte_ = wheel_.tick();
    phase_ = Phase::answered;
    return StreamStatus::ok;
  }
  if (read.status != IoStatus::eof) return to_stream_status(read.status);
  if (reading_ != Reading::body || !body_.ends_at_eof()) return StreamStatus::ended;
  reading_ = Reading::closed;
  return StreamStatus::ok;
}

// --- the tunnel

Task<StreamStatus> Http1Request::read_tunnel(std::string_view& bytes, std::chrono::milliseconds idle) {
  conn_->in.consume(std::exchange(tunnel_given_, 0));
  if (conn_->in.empty()) {
    if (!conn_->stream.armed()) {
      conn_->arm();
      read_much(std::min<std::uint64_t>(Pipe::kRoom, most_piped_));
    }
    conn_->stream.set_timeout(idle);
    const auto read = co_await conn_->stream.read();
    if (read.status != IoStatus::ok) co_return to_stream_status(read.status);
    if (pipe_.empty()) conn_->in.commit(read.size);
  }
  bytes = conn_->in.view();
  tunnel_given_ = bytes.size();
  co_return StreamStatus::ok;
}

Task<StreamStatus> Http1Request::write_tunnel(std::string_view bytes, std::chrono::milliseconds idle) {
  conn_->stream.set_timeout(idle);
  const auto status = co_await conn_->stream.write(bytes);
  co_return to_stream_status(status);
}

Task<StreamStatus> Http1Request::write_tunnel_pipe(Pipe& bytes, std::chrono::milliseconds idle) {
  conn_->stream.set_timeout(idle);
  const auto status = co_await conn_->stream.write({}, &bytes);
  co_return to_stream_status(status);
}

// --- the end

Served Http1Request::served() const {
  Served served;
  served.sent_whole = sending_ == Sending::whole;
  served.answered_whole = reading_ == Reading::whole && !body_.ends_at_eof();
  served.kept_by_backend = answer_.keep_alive;
  served.bytes_behind = !conn_->in.empty();
  served.reading = conn_->stream.armed();
  served.logged_in = conn_->login;
  served.keeps_logins = target_.logins != nullptr;
  served.sends_proxy_header = target_.speaks_for != nullptr;
  return served;
}

void Http1Request::end(bool reset) {
  const Served served = this->served();
  if (reading_ == Reading::whole && served.bytes_behind) target_.backend->quarantine();
  const Reuse reuse = reset ? Reuse::none : may_serve_again(served);
  switch (reuse) {
    case Reuse::none:
      Connection::retire(std::move(conn_), reset);
      break;
    case Reuse::same_client:
      target_.logins->keep(*target_.service, std::move(conn_), idle_time());
      break;
    case Reuse::any_client:
      target_.backend->put_idle(std::move(conn_), idle_time());
      break;
  }
  delete this;
}

std::chrono::milliseconds Http1Request::idle_time() const {
  const auto quiet = (wheel_.tick() - last_byte_) * net::TimerWheel::kTick;
  return upstream::idle_time(answer_, target_.timeouts->idle, quiet);
}

}  // namespace sluice::upstream
