#include "proxy/client/http2_connection.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

#include "proxy/client/http2_refusal.hpp"
#include "proxy/client/linger.hpp"
#include "proxy/h2/read_request.hpp"

namespace sluice::client {

using namespace std::chrono_literals;
using net::IoStatus;

namespace {

// Bytes that are made ahead of the socket: so many of a stream's may stand before another's.
constexpr std::size_t kMostUnsent = 64 * 1024;
// From the notice of a drain to the GOAWAY that ends it, for a client that answers no PING.
constexpr auto kNotice = 1s;

h2::Limits limits_of(const config::ListenerSpec& spec) {
  h2::Limits limits;
  limits.max_streams = spec.http2.max_streams;
  limits.max_header_list = spec.http2.max_header_list;
  limits.stream_window = spec.http2.window;
  limits.max_fields = spec.max_headers;
  return limits;
}

std::uint64_t now_ms() {
  const auto now = net::Clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

Http2Connection::Http2Connection(Connection& connection)
    : Deadline(connection.worker().wheel),
      connection_(connection),
      socket_(connection.socket()),
      session_(h2::Role::server, limits_of(connection.listener().spec)) {}

Http2Connection::~Http2Connection() { connection_.worker().poller.forget(*this); }

Task<void> Http2Connection::serve(std::string_view came) {
  set_limit();
  take(came);
  produce_later();  // the SETTINGS
  auto status = IoStatus::ok;
  while (state_ < State::finished) {
    if (!socket_.armed()) {
      in_.clear();
      char* const room = in_.room();
      socket_.arm(room, in_.room_size());
    }
    const auto read = co_await socket_.read();
    status = read.status;
    if (status != IoStatus::ok) break;
    in_.commit(read.size);
    take(in_.view());
    in_.clear();
  }
  disarm();
  if (status == IoStatus::eof) {
    half_close();
  } else if (state_ != State::finished) {
    lose();
  }
  reading_over_ = true;
  if (running_ > 0) co_await all_ended_;
  if (state_ == State::finished && status != IoStatus::eof) co_await linger(connection_, kGoodbye);
}

// --- events

// Acts when all of the bytes are decoded: a body that came with its head is whole then.
void Http2Connection::take(std::string_view bytes) {
  if (bytes.empty()) return;
  for (const h2::Event& event : session_.receive(bytes, now_ms())) take(event);
  start_streams();
  set_limit();
  produce_later();
}

void Http2Connection::take(const h2::Event& event) {
  using Kind = h2::Event::Kind;
  // As it is now: the stream of an earlier event of this round may have ended.
  auto* const stream = static_cast<Http2Stream*>(session_.user(event.stream));
  switch (event.kind) {
    case Kind::head:
      return begin_stream(event);
    case Kind::data:
      if (!stream) return session_.consumed(event.stream, event.data.size());
      stream->arrive(event.data);
      if (event.last) stream->end_of_request();
      return stream->wake_reader();
    case Kind::trailers:
      if (!stream) return;
      stream->take_trailers(*event.block);
      [[fallthrough]];
    case Kind::end:
      if (!stream) return;
      stream->end_of_request();
      return stream->wake_reader();
    case Kind::reset:
      if (stream) stream->lose();
      return;
    case Kind::pong:
      if (state_ == State::notified) close();
      return;
    case Kind::failed:
      spdlog::debug("connection from {}: HTTP/2: {}", connection_.peer_address(), event.reason);
      lose_streams();
      state_ = State::closing;
      return;
    case Kind::go_away:  // the client opens no more streams; those that it has are answered
    case Kind::settings:
      return;
  }
}

void Http2Connection::begin_stream(const h2::Event& event) {
  auto stream = std::make_unique<Http2Stream>(*this, event.stream);
  ++requests_;
  h2::Refusal refusal = h2::read_request(*event.block, event.last, connection_.listener().head_limits(),
                                         stream->request_head());
  if (!refusal && !connection_.serves_host(stream->request_head().host))
    refusal = {421, "misdirected", h2::ErrorCode::no_error};
  if (event.last) stream->end_of_request();
  stream->link_before(streams_);
  session_.set_user(event.stream, stream.get());
  starting_.push_back({stream.release(), refusal});
  const std::uint32_t most = connection_.listener().spec.max_requests;
  if (most > 0 && requests_ == most) begin_drain();
}

void Http2Connection::start_streams() {
  for (std::size_t i = 0; i < starting_.size(); ++i) {
    Http2Stream& stream = *starting_[i].stream;
    ++running_;
    stream.begin();
    if (stream.is_lost()) {
      end(stream);
    } else if (starting_[i].refusal) {
      spawn(refuse(stream, starting_[i].refusal));
    } else {
      spawn(run(stream));
    }
  }
  starting_.clear();
}

Task<void> Http2Connection::run(Http2Stream& stream) {
  try {
    co_await connection_.handler().serve(stream);
  } catch (const std::exception& e) {  // out of memory, at worst: this stream pays, the others live
    spdlog::error("connection from {}: {}", connection_.peer_address(), e.what());
    stream.reset();
  }
  end(stream);
}

// What is no request is answered where it can be, else its stream is reset; other streams are not touched.
Task<void> Http2Connection::refuse(Http2Stream& stream, h2::Refusal refusal) {
  connection_.worker().counters.count_refused(refusal.reason);
  if (refusal.status == 0) {
    session_.reset(stream.id(), refusal.error);
    log_refusal(connection_, stream, refusal.reason);
  } else {
    const OwnReply reply{refusal.status, refusal.reason, explanation({refusal.status, refusal.reason}), 0};
    co_await stream.reply(reply);
    log_refusal(connection_, stream, refusal.reason);
  }
  end(stream);
}

// May end the connection: nothing of it is used afterwards.
void Http2Connection::end(Http2Stream& stream) {
  session_.consumed(stream.id(), stream.uncredited());
  session_.forget(stream.id());
  delete &stream;
  set_limit();
  produce_later();
  ended_one();
}

void Http2Connection::ended_one() {
  if (--running_ == 0 && reading_over_) all_ended_.fire();
}

// --- sending

void Http2Connection::produce() {
  if (writing_ || state_ == State::lost) return;
  session_.produce(out_, kMostUnsent);
  wake_drained();
  produce_later();
}

void Http2Connection::produce_later() {
  if (send_asked_ || writing_) return;
  send_asked_ = true;
  connection_.worker().poller.send_later(*this);
}

void Http2Connection::wake_drained() {
  for (void* const user : session_.drained())
    if (user) static_cast<Http2Stream*>(user)->wake_writer();
}

void Http2Connection::on_send() {
  send_asked_ = false;
  while (state_ != State::lost) {
    session_.produce(out_, kMostUnsent);
    wake_drained();
    if (out_.empty()) return after_write();
    iovec piece{const_cast<char*>(out_.data()), out_.size()};
    std::span<iovec> left(&piece, 1);
    if (socket_.send_now(left) != IoStatus::ok) return lose();
    out_.consume(out_.size() - (left.empty() ? 0 : left[0].iov_len));
    if (out_.empty()) continue;
    writing_ = true;
    ++running_;
    return spawn(write_rest());
  }
}

// The socket takes no more for now. Until it has taken all, nothing else is made: what a client does not read
// stays with its backends.
Task<void> Http2Connection::write_rest() {
  while (!out_.empty() && state_ != State::lost) {
    socket_.set_timeout(connection_.listener().spec.body_timeout);
    const auto status = co_await socket_.write(out_.view());
    out_.clear();
    if (status != IoStatus::ok) {
      lose();
      break;
    }
    session_.produce(out_, kMostUnsent);
    wake_drained();
  }
  writing_ = false;
  socket_.clear_timeout();
  after_write();
  ended_one();
}

void Http2Connection::after_write() {
  if (out_.empty()) out_.release();
  const bool nothing_left = !streams_.linked() && state_ == State::closing;
  if (state_ >= State::finished || (!nothing_left && !session_.is_over())) return;
  state_ = State::finished;
  socket_.cancel();
}

// --- the end

void Http2Connection::drain() { begin_drain(); }

// RFC 9113 6.8: a client that has just sent a request loses nothing.
void Http2Connection::begin_drain() {
  if (state_ != State::serving) return;
  state_ = State::notified;
  session_.shutdown_notice();
  session_.ping();
  expires_after(kNotice);
  produce_later();
}

void Http2Connection::close() {
  if (state_ >= State::closing) return;
  session_.go_away(h2::ErrorCode::no_error);
  state_ = State::closing;
  disarm();
  produce_later();
}

void Http2Connection::close_now() { lose(); }

void Http2Connection::half_close() {
  for (net::WheelHook* hook = streams_.next; hook != &streams_;) {
    net::WheelHook* const next = hook->next;
    static_cast<Http2Stream&>(static_cast<StreamHook&>(*hook)).half_close();
    hook = next;
  }
}

void Http2Connection::lose() {
  if (state_ == State::lost) return;
  state_ = State::lost;
  socket_.cancel();
  lose_streams();
}

// A stream that is lost may end at once, and with the last one the connection.
void Http2Connection::lose_streams() {
  ++running_;
  for (net::WheelHook* hook = streams_.next; hook != &streams_;) {
    net::WheelHook* const next = hook->next;
    static_cast<Http2Stream&>(static_cast<StreamHook&>(*hook)).lose();
    hook = next;
  }
  ended_one();
}

// How long the client may be silent: until its first request, between two of them, and in the midst of a
// head.
void Http2Connection::set_limit() {
  if (state_ != State::serving) return;
  const config::ListenerSpec& spec = connection_.listener().spec;
  const bool in_head = session_.reading_head();
  if (in_head && !in_head_) expires_after(spec.header_timeout);
  if (!in_head && streams_.linked()) disarm();
  if (!in_head && !streams_.linked()) expires_after(requests_ == 0 ? spec.header_timeout : spec.idle_timeout);
  in_head_ = in_head;
}

void Http2Connection::expired() {
  if (in_head_) return lose();
  close();
}

}  // namespace sluice::client
