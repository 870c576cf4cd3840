// The request: what the client sends behind a head, as a body in pieces or as a tunnel's bytes. The answer is
// in http2_answer.cpp.
#include "proxy/client/http2_stream.hpp"

#include <utility>

#include "proxy/client/body_patience.hpp"
#include "proxy/client/http2_connection.hpp"
#include "proxy/h2/frame.hpp"

namespace sluice::client {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kGathering{1};  // to which the wheel adds up to two of its ticks

}  // namespace

Http2Stream::Http2Stream(Http2Connection& connection, h2::StreamId id)
    : connection_(connection),
      id_(id),
      reader_(connection.connection().worker().poller, connection.connection().worker().wheel),
      writer_(connection.connection().worker().poller, connection.connection().worker().wheel) {}

Http2Stream::~Http2Stream() {
  if (linked()) unlink();
}

// A body that came at once, with the head, has a known length from here on.
void Http2Stream::begin() {
  Connection& connection = connection_.connection();
  head_ = &request_;
  info_ = connection.info();
  info_.protocol = "HTTP/2.0";
  info_.stream = static_cast<std::uint32_t>(id_);
  connection.describe_client(request_.fields, client_text_, info_);
  body_limit_ = connection.listener().spec.max_body;
  most_read_ = session().peer_takes(h2::kMostData) ? h2::kMostData : Buffer::kTiny;
  const bool is_tunnel = !request_.upgrade.empty();
  whole_ = input_ == Input::whole || is_tunnel;
  if (is_tunnel || !whole_ || request_.body == http::BodyLength::none) return;
  bytes_in_ = body_.waiting().size();
  if (!trailers_.empty()) {
    whole_ = false;  // trailers go with a body in pieces
    bytes_in_ = 0;
    return;
  }
  request_.body = http::BodyLength::known;
  request_.content_length = body_.waiting().size();
}

void Http2Stream::lose() {
  input_ = Input::lost;
  reader_.end(StreamStatus::reset);
  writer_.end(StreamStatus::reset);
  if (observer_) std::exchange(observer_, nullptr)->client_gone();
}

void Http2Stream::half_close() {
  if (input_ == Input::open) return lose();
  if (observer_) observer_->client_half_closed();
}

void Http2Stream::cancel() {
  reader_.end(StreamStatus::canceled);
  writer_.end(StreamStatus::canceled);
}

h2::Session& Http2Stream::session() const { return connection_.transport().session(); }

SocketAddresses Http2Stream::addresses() const { return connection_.connection().addresses(); }
bool Http2Stream::count_kept(int bytes) { return connection_.count_kept(bytes); }
upstream::Logins& Http2Stream::logins() { return connection_.connection().logins(); }

// --- the body

bool Http2Stream::whole_body(std::string_view& body) const {
  body = {};
  if (whole_ && request_.upgrade.empty()) body = body_.waiting();
  return whole_;
}

// What is too much is left to read_body(), which can say so.
std::string_view Http2Stream::first_piece() {
  std::string_view piece;
  const bool too_large = body_limit_ > 0 && body_.waiting().size() > body_limit_;
  if (!too_large && take_arrived(piece)) bytes_in_ += piece.size();
  return piece;
}

bool Http2Stream::limit_body(std::uint64_t bytes) {
  if (bytes > 0 && (body_limit_ == 0 || bytes < body_limit_)) body_limit_ = bytes;
  return body_limit_ == 0 || request_.body != http::BodyLength::known ||
         request_.content_length <= body_limit_;
}

Task<BodyPiece> Http2Stream::read_body() {
  using Kind = BodyPiece::Kind;
  give_credit();
  bool waited = false;
  for (std::string_view bytes;;) {
    if (input_ == Input::lost) co_return BodyPiece{Kind::gone, {}};
    if ((waited || is_worth_sending()) && take_arrived(bytes)) {
      bytes_in_ += bytes.size();
      if (body_limit_ > 0 && bytes_in_ > body_limit_) co_return BodyPiece{Kind::too_large, {}};
      co_return BodyPiece{Kind::data, bytes};
    }
    if (input_ == Input::whole) co_return BodyPiece{Kind::done, {}};
    const milliseconds timeout = has_arrived() ? kGathering : patience();
    if (timeout == 0ms) co_return BodyPiece{Kind::too_slow, {}};
    const auto asked = net::Clock::now();
    reader_.set_limit(timeout);
    const auto status = co_await reader_;
    body_waited_ += std::chrono::duration_cast<milliseconds>(net::Clock::now() - asked);
    waited = status == StreamStatus::timed_out;
    if (waited && !has_arrived()) co_return BodyPiece{Kind::too_slow, {}};
    if (status == StreamStatus::canceled) co_return BodyPiece{Kind::canceled, {}};
  }
}

// Of a body whose length is known what comes in small pieces is gathered for a moment: a send costs more than
// its bytes.
bool Http2Stream::is_worth_sending() const {
  return input_ == Input::whole || request_.body != http::BodyLength::known ||
         body_.waiting().size() >= connection_.worth_sending();
}

milliseconds Http2Stream::patience() const {
  if (call_patience_ > 0ms) return call_patience_;
  return body_patience(connection_.connection().listener().spec, bytes_in_ + body_.waiting().size(),
                       body_waited_);
}

// All that has come and was not handed out; it stays where it is until the next call.
bool Http2Stream::take_arrived(std::string_view& bytes) {
  if (!has_arrived()) return false;
  bytes = body_.hand_out();
  return true;
}

// With its last byte a body of known length is a whole message to an HTTP/1 backend. That byte waits for the
// END_STREAM, which says that no more will come than was announced (RFC 9113 8.1.1).
bool Http2Stream::may_hand_out() const {
  return input_ == Input::whole || request_.body != http::BodyLength::known ||
         bytes_in_ + body_.waiting().size() < request_.content_length;
}

// The piece that was handed out last has gone on: the client may send as much again (X4).
void Http2Stream::give_credit() {
  if (!body_.is_handed_out()) return;
  session().consumed(id_, body_.take_credit());
  connection_.transport().produce_later();
}

// --- the tunnel

Task<StreamStatus> Http2Stream::read_tunnel(std::string_view& bytes, milliseconds idle) {
  give_credit();
  for (;;) {
    if (input_ == Input::lost) co_return StreamStatus::reset;
    if (take_arrived(bytes)) co_return StreamStatus::ok;
    if (input_ == Input::whole) co_return StreamStatus::ended;
    reader_.set_limit(idle);
    const auto status = co_await reader_;
    // Part of a frame wakes nobody.
    if (status != StreamStatus::ok && !(status == StreamStatus::timed_out && has_arrived())) co_return status;
  }
}

Task<StreamStatus> Http2Stream::write_tunnel(std::string_view bytes, milliseconds idle) {
  if (!bytes.empty() && !give(bytes, false)) {
    const auto status = co_await wait_until_sent(idle);
    co_return status;
  }
  co_return StreamStatus::ok;
}

void Http2Stream::set_tunnel_timeout(milliseconds idle) {
  reader_.set_limit(idle);
  writer_.set_limit(idle);
}

}  // namespace sluice::client
