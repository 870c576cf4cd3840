// The request: what the client sends behind a head, as a body in pieces or as a tunnel's bytes. The answer is
// in http1_answer.cpp.
#include "proxy/client/http1_stream.hpp"

#include <algorithm>
#include <utility>

#include "proxy/client/body_patience.hpp"
#include "proxy/client/connection.hpp"

namespace sluice::client {

using namespace std::chrono_literals;
using net::IoStatus;
using std::chrono::milliseconds;

Http1Stream::Http1Stream(Connection& connection, Http1Input& input, Http1Output& output)
    : connection_(connection), socket_(connection.socket()), input_(input), output_(output) {
  info_ = connection.info();
  takes_pipes_ = !socket_.tls();
}

void Http1Stream::begin(const http1::RequestHead& head, bool may_stay_open) {
  head_ = wire_head_ = &head;
  info_.protocol = head.version == http1::Version::http11 ? "HTTP/1.1" : "HTTP/1.0";
  connection_.describe_client(head.fields, client_text_, info_);
  status_ = 0;
  bytes_in_ = bytes_out_ = 0;
  body_.start(head.framing, head.content_length);
  body_limit_ = connection_.listener().spec.max_body;
  body_waited_ = 0ms;
  keep_alive_ = head.keep_alive && may_stay_open;
  output_.begin_body(http1::Framing::none);
  input_.begin_message(head.size);
  std::string_view body;
  if (whole_body(body) && !body.empty()) {
    input_.use(body_.next(body).consumed);
    bytes_in_ = body.size();
  }
}

void Http1Stream::end() {
  observer_ = nullptr;
  socket_.observe(nullptr);
  pipe_.release();
}

SocketAddresses Http1Stream::addresses() const { return connection_.addresses(); }
upstream::Logins& Http1Stream::logins() { return connection_.logins(); }

// --- the body

bool Http1Stream::whole_body(std::string_view& body) const {
  body = {};
  if (wire_head_->framing == http1::Framing::none) return true;
  if (wire_head_->framing != http1::Framing::length) return false;
  const std::string_view came = input_.head_bytes().substr(wire_head_->size);
  if (came.size() < head_->content_length) return false;
  body = came.substr(0, head_->content_length);
  return true;
}

// What came with the head goes with it, where all of that is the body's.
std::string_view Http1Stream::first_piece() {
  BodyPiece piece;
  if (wire_head_->framing != http1::Framing::length || !take_piece(piece)) return {};
  return piece.data;
}

bool Http1Stream::limit_body(std::uint64_t bytes) {
  if (bytes > 0 && (body_limit_ == 0 || bytes < body_limit_)) body_limit_ = bytes;
  return body_limit_ == 0 || wire_head_->framing != http1::Framing::length ||
         head_->content_length <= body_limit_;
}

Task<BodyPiece> Http1Stream::read_body() {
  using Kind = BodyPiece::Kind;
  for (BodyPiece piece;;) {
    if (take_piece(piece)) co_return piece;
    // Else the read-ahead of the last request is still outstanding.
    if (!socket_.armed()) read_on(body_.known());
    const milliseconds timeout = body_timeout();
    if (timeout == 0ms) co_return BodyPiece{Kind::too_slow, {}};
    socket_.set_timeout(timeout);
    const auto asked = net::Clock::now();
    const auto read = co_await socket_.read();
    body_waited_ += std::chrono::duration_cast<milliseconds>(net::Clock::now() - asked);
    end_wait();
    if (read.status == IoStatus::timed_out) co_return BodyPiece{Kind::too_slow, {}};
    if (read.status == IoStatus::canceled) {
      take_read(read.size);
      co_return BodyPiece{Kind::canceled, {}};
    }
    if (read.status != IoStatus::ok) {
      client_ = ClientSide::lost;
      co_return BodyPiece{Kind::gone, {}};
    }
    take_read(read.size);
  }
}

// `most` bytes may come that need not be seen; in a pipe, once so much came at a time that the next read will
// bring much.
void Http1Stream::read_on(std::uint64_t most) {
  input_.begin_piece();
  socket_.arm(input_.tail());
  if (most < kWorthAPipe || !socket_.brought_many()) return;
  if (pipes_allowed_ && takes_pipes_)
    socket_.read_into_pipe(pipe_, most);
  else
    socket_.read_late();
}

void Http1Stream::take_read(std::size_t size) {
  if (pipe_.empty()) input_.tail().commit(size);
}

// What can be said of the body without reading on. False: nothing.
bool Http1Stream::take_piece(BodyPiece& piece) {
  using Kind = BodyPiece::Kind;
  piece = {};
  if (!pipe_.empty()) {
    body_.skip(pipe_.size());
    bytes_in_ += pipe_.size();
    piece = {Kind::data, {}, &pipe_};
    if (is_over_limit()) piece = {Kind::too_large, {}};
    return true;
  }
  if (body_.done()) return true;
  const auto step = body_.next(input_.unread());
  input_.use(step.consumed);
  switch (step.kind) {
    case http1::BodyStep::Kind::data:
      bytes_in_ += step.data.size();
      piece = {Kind::data, step.data};
      if (is_over_limit()) piece = {Kind::too_large, {}};
      return true;
    case http1::BodyStep::Kind::done:
      return true;
    case http1::BodyStep::Kind::refused:
      piece = {Kind::malformed, {}};
      return true;
    case http1::BodyStep::Kind::more:
      break;
  }
  return false;
}

milliseconds Http1Stream::body_timeout() const {
  return body_patience(connection_.listener().spec, bytes_in_, body_waited_);
}

// The socket has one time limit, which the body's reading and the answer's writing share. When one of them is
// over, the other, if it still waits, gets the whole of it.
void Http1Stream::end_wait() {
  if (socket_.awaited()) {
    socket_.set_timeout(connection_.listener().spec.body_timeout);
  } else {
    socket_.clear_timeout();
  }
}

// --- the watch

// The read for the next request is outstanding while this one is answered.
void Http1Stream::watch() {
  if (!read_ahead()) return;  // full of pipelined requests: their client is there
  socket_.observe(this);
  if (socket_.read_ready()) on_unawaited_read();
}

// False: there is no room. The request's head stays where its views point.
bool Http1Stream::read_ahead() {
  if (socket_.armed()) return true;
  if (!input_.make_room(true)) return false;
  socket_.arm(input_.tail());
  return true;
}

void Http1Stream::on_unawaited_read() {
  socket_.observe(nullptr);
  const auto read = socket_.peek();
  if (read.status == IoStatus::ok) {  // a pipelined request: it waits for this one's end
    socket_.take();
    input_.tail().commit(read.size);
    if (read_ahead()) socket_.observe(this);
    return;
  }
  if (read.status != IoStatus::eof) return lose();
  client_ = ClientSide::half_closed;
  if (observer_) observer_->client_half_closed();
}

void Http1Stream::lose() {
  client_ = ClientSide::lost;
  if (observer_) std::exchange(observer_, nullptr)->client_gone();
}

// --- the tunnel

Task<StreamStatus> Http1Stream::read_tunnel(std::string_view& bytes, milliseconds idle) {
  socket_.observe(nullptr);
  for (;;) {
    bytes = input_.unread();
    input_.use(bytes.size());
    if (!bytes.empty()) co_return StreamStatus::ok;
    if (!socket_.armed()) read_on(std::min<std::uint64_t>(Pipe::kRoom, most_piped_));
    socket_.set_timeout(idle);
    const auto read = co_await socket_.read();
    if (read.status != IoStatus::ok) co_return net::to_stream_status(read.status);
    take_read(read.size);
    if (!pipe_.empty()) co_return StreamStatus::ok;
  }
}

Task<StreamStatus> Http1Stream::write_tunnel_pipe(Pipe& bytes, milliseconds idle) {
  socket_.set_timeout(idle);
  const auto status = co_await socket_.write({}, &bytes);
  co_return net::to_stream_status(status);
}

Task<StreamStatus> Http1Stream::write_tunnel(std::string_view bytes, milliseconds idle) {
  socket_.set_timeout(idle);
  const auto status = co_await socket_.write(bytes);
  co_return net::to_stream_status(status);
}

}  // namespace sluice::client
