#include "proxy/client/http2_connection.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "proxy/client/linger.hpp"
#include "proxy/client/refusal.hpp"
#include "proxy/h2/head_reader.hpp"
#include "proxy/http/grpc.hpp"

namespace sluice::client {

using namespace std::chrono_literals;
using net::IoStatus;

namespace {

// From the notice of a drain to the GOAWAY that ends it, for a client that answers no PING.
constexpr auto kNotice = 1s;

// Who floods is not heard for so long, and then told. It would be back at once, and each new connection costs
// a handshake and all that its budget allows: sixteen such clients on a machine made the 99th percentile of
// the others three times as long.
constexpr auto kHeld = 2s;

h2::Limits limits_of(const config::ListenerSpec& spec) {
  h2::Limits limits;
  limits.max_streams = spec.http2.max_streams;
  limits.max_header_list = spec.http2.max_header_list;
  limits.stream_window = spec.http2.window;
  limits.max_fields = spec.max_headers;
  return limits;
}

constexpr bool glitches_are_named() {
  for (std::size_t i = 0; i < h2::kGlitchKinds; ++i)
    if (h2::name_of(static_cast<h2::Glitch>(i)) != observe::Http2Counters::kGlitches[i]) return false;
  return std::size(observe::Http2Counters::kGlitches) == h2::kGlitchKinds;
}
static_assert(glitches_are_named());

// A stream may leave the list while it is visited.
template <class Visit>
void each_stream(StreamHook& list, Visit visit) {
  for (net::WheelHook* hook = list.next; hook != &list;) {
    net::WheelHook* const following = hook->next;
    visit(static_cast<Http2Stream&>(static_cast<StreamHook&>(*hook)));
    hook = following;
  }
}

}  // namespace

Http2Connection::Http2Connection(Connection& connection)
    : Deadline(connection.worker().wheel),
      connection_(connection),
      transport_(*this, connection.socket(), connection.worker().poller, h2::Role::server,
                 limits_of(connection.listener().spec), connection.listener().spec.body_timeout) {
  counters().connections.add();
}

Http2Connection::~Http2Connection() {
  counters().connections.sub();
  const h2::GlitchCounts& glitches = transport_.session().glitches();
  for (std::size_t i = 0; i < glitches.size(); ++i) counters().glitches[i].add(glitches[i]);
}

Task<void> Http2Connection::serve(Buffer& came) {
  set_limit();
  // The word to leave may have come before anything said which protocol would be spoken.
  if (connection_.is_draining() || connection_.worker().shutting_down) drain();
  transport_.take(came.view());
  came.release();
  const auto status = co_await transport_.read();
  if (state_ != State::held) disarm();
  if (status == IoStatus::eof) {
    half_close();
  } else if (status != IoStatus::canceled) {
    transport_.lose();
  }
  if (state_ == State::held) co_await hold_over_;
  reading_over_ = true;
  if (running_ > 0 || transport_.writing()) co_await all_ended_;
  if (status == IoStatus::canceled && !transport_.is_lost()) co_await linger(connection_, kGoodbye);
}

// --- what comes

void Http2Connection::on_event(const h2::Event& event) {
  using Kind = h2::Event::Kind;
  auto* const stream = static_cast<Http2Stream*>(static_cast<mux::StreamUser*>(event.user));
  switch (event.kind) {
    case Kind::head:
      return begin_stream(event);
    case Kind::data:
      if (!stream) return;
      stream->arrive(event.data);
      if (event.last) stream->end_of_request();
      // The rest of a frame is on its way: a backend gets the frame in one piece. What records of TLS cut
      // would cost two sends each.
      if (!event.more) stream->wake_reader();
      return;
    case Kind::trailers:
      if (stream) stream->take_trailers(*event.block);
      [[fallthrough]];
    case Kind::end:
      if (!stream) return;
      stream->end_of_request();
      return stream->wake_reader();
    case Kind::reset:
      counters().resets[event.ours].add();
      if (stream) stream->lose();
      return;
    case Kind::pong:
      if (state_ == State::notified) close();
      return;
    case Kind::failed:
      spdlog::debug("connection from {}: HTTP/2: {}", connection_.peer_address(), event.reason);
      counters().failed.add();
      state_ = State::closing;
      if (event.error == h2::ErrorCode::enhance_your_calm) hold();
      return on_lost();
    case Kind::go_away:  // the client opens no more streams; those that it has are answered
    case Kind::settings:
      return;
  }
}

void Http2Connection::begin_stream(const h2::Event& event) {
  auto stream = std::make_unique<Http2Stream>(*this, event.stream);
  ++requests_;
  counters().opened.add();
  counters().streams.add();
  http::Refusal refusal = h2::read_request(*event.block, event.last, connection_.listener().spec.max_target,
                                           stream->request_head());
  event.block->forget_fields();
  if (!refusal.reason && !connection_.serves_host(stream->request_head().host))
    refusal = {421, "misdirected"};
  if (event.last) stream->end_of_request();
  stream->link_before(streams_);
  transport_.session().set_user(event.stream, static_cast<mux::StreamUser*>(stream.get()));
  starting_.push_back({stream.release(), refusal});
  const std::uint32_t most = connection_.listener().spec.max_requests;
  if (most > 0 && requests_ == most) drain();
}

// Exchanges begin when all of the bytes are decoded: a body that came with its head is whole then.
void Http2Connection::on_decoded() {
  for (std::size_t i = 0; i < starting_.size(); ++i) {
    const auto [stream, refusal] = starting_[i];
    ++running_;
    stream->begin();
    if (stream->is_lost()) {
      end(*stream);
    } else if (refusal.reason) {
      refuse(*stream, refusal);
    } else {
      run(*stream);
    }
  }
  starting_.clear();
  if (starting_.capacity() > kMostStarting) starting_ = {};
  set_limit();
}

Detached Http2Connection::run(Http2Stream& stream) {
  try {
    co_await connection_.handler().serve(stream);
  } catch (const std::exception& e) {  // out of memory, at worst: this stream pays, the others live
    spdlog::error("connection from {}: {}", connection_.peer_address(), e.what());
    stream.reset();
  }
  end(stream);
}

// What is no request is answered; other streams are not touched.
Detached Http2Connection::refuse(Http2Stream& stream, http::Refusal refusal) {
  connection_.worker().counters.count_refused(refusal.reason);
  const OwnReply reply{refusal.status, refusal.reason, explanation(refusal), 0,
                       http::grpc_status_for(refusal.status)};
  co_await stream.reply(reply);
  log_refusal(connection_, stream, refusal.reason, stream.began());
  end(stream);
}

// May end the connection: nothing of it is used afterwards.
void Http2Connection::end(Http2Stream& stream) {
  transport_.session().forget(stream.id());
  delete &stream;
  counters().streams.sub();
  set_limit();
  transport_.produce_later();
  --running_;
  check_end();
}

std::size_t Http2Connection::worth_sending() const {
  constexpr std::size_t kMost = 32 * 1024, kOfAll = h2::Limits().connection_window / 2;
  const std::size_t window = connection_.listener().spec.http2.window;
  return std::min({kMost, window / 2, kOfAll / std::max<std::size_t>(running_, 1)});
}

bool Http2Connection::count_kept(int bytes) {
  if (kept_ + bytes > kMostKept) return false;
  kept_ += bytes;
  return true;
}

void Http2Connection::check_end() {
  if (reading_over_ && running_ == 0 && !transport_.writing()) all_ended_.fire();
}

// --- the end

void Http2Connection::on_sent() {
  const bool nothing_left = !streams_.linked() && state_ == State::closing;
  if (nothing_left || transport_.session().is_over()) transport_.stop();
}

// RFC 9113 6.8: a client that has just sent a request loses nothing.
void Http2Connection::drain() {
  if (state_ != State::serving) return;
  state_ = State::notified;
  in_head_ = false;  // a head under way has the notice's time, and costs the others nothing
  transport_.session().shutdown_notice();
  transport_.session().ping();
  expires_after(kNotice);
  transport_.produce_later();
}

void Http2Connection::close() {
  if (state_ == State::closing || state_ == State::held) return;
  state_ = State::closing;
  transport_.session().go_away(h2::ErrorCode::no_error);
  disarm();
  transport_.produce_later();
}

// The client sends no more: whoever has asked for all may wait for the answer.
void Http2Connection::half_close() {
  each_stream(streams_, [](Http2Stream& stream) { stream.half_close(); });
}

// A stream that is lost may end at once, and with the last one the connection.
void Http2Connection::on_lost() {
  ++running_;
  each_stream(streams_, [](Http2Stream& stream) { stream.lose(); });
  --running_;
  check_end();
}

// How long the client may be silent: until its first request, between two of them, and in the midst of a
// head.
void Http2Connection::set_limit() {
  if (state_ != State::serving) return;
  const config::ListenerSpec& spec = connection_.listener().spec;
  const bool in_head = transport_.session().in_head();
  if (in_head) {
    if (!in_head_) expires_after(spec.header_timeout);
  } else if (streams_.linked()) {
    disarm();
  } else {
    expires_after(requests_ == 0 ? spec.header_timeout : spec.idle_timeout);
  }
  in_head_ = in_head;
}

void Http2Connection::close_now() {
  transport_.lose();
  if (state_ == State::held) expires_after(0ms);
}

void Http2Connection::hold() {
  state_ = State::held;
  transport_.hold();
  expires_after(kHeld);
}

void Http2Connection::expired() {
  if (state_ == State::held) {
    transport_.let_go();
    return hold_over_.fire();
  }
  if (in_head_) return transport_.lose();
  close();
}

}  // namespace sluice::client
