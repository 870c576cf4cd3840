// The answer to a request to a backend over HTTP/2: what the connection hands over, kept until it is asked
// for; and the tunnel.
#include <utility>

#include "proxy/h2/head_reader.hpp"
#include "proxy/http/reason.hpp"
#include "proxy/upstream/http2_request.hpp"

namespace sluice::upstream {

using std::chrono::milliseconds;

namespace {

constexpr std::size_t kMostInterims = 16;  // that wait to be told; more is no answer

bool is_interim(const h2::FieldBlock& block) {
  return block.size() > 0 && block[0].name == ":status" && block[0].value.starts_with('1');
}

}  // namespace

// --- what comes

void Http2Request::on_event(const h2::Event& event) {
  using Kind = h2::Event::Kind;
  switch (event.kind) {
    case Kind::head:
      take_head(event.block);
      break;
    case Kind::data:
      body_.add(event.data);
      break;
    case Kind::trailers:
      h2::read_trailers(*event.block, trailers_);
      input_ = Input::whole;
      break;
    case Kind::end:
      input_ = Input::whole;
      break;
    case Kind::reset:
      take_reset(event);
      break;
    case Kind::go_away:
    case Kind::settings:
    case Kind::pong:
    case Kind::failed:
      return;
  }
  if (event.last && input_ == Input::open) input_ = Input::whole;
  reader_.wake();
}

void Http2Request::take_head(h2::FieldBlock* block) {
  phase_ = Phase::answered;
  if (block->too_large()) return break_off();
  if (!is_interim(*block)) {
    heads_.final = block;
  } else if (heads_.interims.size() < kMostInterims) {
    heads_.interims.push_back(block);
  } else {
    break_off();
  }
}

// RFC 9113 8.1: behind a whole answer it only says that the rest of the request is not wanted.
void Http2Request::take_reset(const h2::Event& event) {
  writer_.wake();
  if (input_ != Input::open) return;
  if (event.ours) {
    input_ = Input::malformed;
    return;
  }
  cut(event.unprocessed);
}

void Http2Request::on_lost() {
  writer_.wake();
  reader_.wake();
  if (input_ != Input::open) return;
  const bool unsent = id_ == 0 || !connection_->transport().sent_beyond(begins_at_);
  const bool was_reused = reused_;
  cut(unsent);
  reused_ = was_reused;
}

void Http2Request::on_broken() {
  if (input_ == Input::open) input_ = Input::malformed;
  writer_.wake();
  reader_.wake();
}

// The answer will not be whole. What the backend did nothing about may be sent again, whatever it is (R3); a
// stream that it resets was not lost with a connection that had died unseen.
void Http2Request::cut(bool unprocessed) {
  input_ = Input::lost;
  reused_ = false;
  held_.reset();
  if (unprocessed && phase_ == Phase::sent) phase_ = Phase::connecting;
}

// The answer is none (X3): no more of it is wanted.
void Http2Request::break_off() {
  input_ = Input::malformed;
  session().reset(id_, h2::ErrorCode::protocol_error);
  connection_->transport().produce_later();
}

// --- what is told

AnswerEvent Http2Request::next() {
  if (heads_.told) session().release(id_, std::exchange(heads_.told, nullptr));
  switch (reading_) {
    case Reading::head:
      return next_head();
    case Reading::body:
      return next_piece();
    case Reading::whole:
    case Reading::tunnel:
      return {};
  }
  return {};
}

AnswerEvent Http2Request::next_head() {
  if (!heads_.interims.empty()) {
    heads_.told = heads_.interims.front();
    heads_.interims.erase(heads_.interims.begin());
    h2::read_answer(*heads_.told, false, asks_ == Asks::head, answer_);
    return {AnswerEvent::Kind::interim};
  }
  if (!heads_.final) {
    if (input_ == Input::malformed) return {AnswerEvent::Kind::failed, false, FailureKind::protocol, {}};
    if (input_ == Input::no_tunnel) return {AnswerEvent::Kind::failed, false, FailureKind::no_tunnel, {}};
    return {};
  }
  const bool is_end = input_ == Input::whole && body_.empty() && trailers_.empty();
  h2::read_answer(*heads_.final, is_end, asks_ == Asks::head, answer_);
  heads_.final->forget_fields();
  if (answer_.login) connection_->leave();  // R4
  if (asks_ == Asks::tunnel && answer_.status / 100 == 2) {
    open_tunnel();
    return {AnswerEvent::Kind::tunnel};
  }
  reading_ = Reading::body;
  return {AnswerEvent::Kind::head};
}

// RFC 8441 5: what is a 2xx here is a 101 over HTTP/1.
void Http2Request::open_tunnel() {
  reading_ = Reading::tunnel;
  answer_.status = 101;
  answer_.reason = http::reason_phrase(101);
  answer_.upgrade = true;
  if (proof_ && answer_.fields.size() < http::kMaxFields)
    answer_.fields.push("Sec-WebSocket-Accept", std::string_view(proof_->data(), proof_->size()));
}

// The piece that was handed out last has gone on when another one is asked for.
AnswerEvent Http2Request::next_piece() {
  const bool ends = input_ == Input::whole;
  if (!body_.empty()) {
    give_credit();
    const std::string_view piece = body_.hand_out();
    const bool last = ends && trailers_.empty();
    if (last) reading_ = Reading::whole;
    return {AnswerEvent::Kind::data, last, FailureKind::none, piece};
  }
  if (input_ == Input::malformed) return {AnswerEvent::Kind::failed, false, FailureKind::protocol, {}};
  if (!ends) return {};
  reading_ = Reading::whole;
  return {AnswerEvent::Kind::end};
}

// X4: the backend may send as much again as has gone on.
void Http2Request::give_credit() {
  if (!body_.is_handed_out()) return;
  session().consumed(id_, body_.take_credit());
  connection_->transport().produce_later();
}

// Of what can be told before the answer's end.
bool Http2Request::has_some() const {
  return reading_ == Reading::head ? heads_.final || !heads_.interims.empty() : !body_.empty();
}

bool Http2Request::has_arrived() {
  give_credit();
  return input_ != Input::open || has_some();
}

void Http2Request::resume_when_arrived(std::coroutine_handle<> h) {
  reader_.clear_limit();
  const bool waits_for_client =
      sending_ != Sending::whole && sending_ != Sending::failed && asks_ != Asks::tunnel;
  if (!waits_for_client) reader_.set_limit(response_limit());
  reader_.await_suspend(h);
}

StreamStatus Http2Request::take_arrival() {
  const auto waited = reader_.await_resume();
  if (waited == StreamStatus::timed_out) connection_->doubt();
  if (waited != StreamStatus::ok) return waited;
  return input_ == Input::lost && !has_some() ? StreamStatus::reset : StreamStatus::ok;
}

// --- the tunnel

Task<StreamStatus> Http2Request::read_tunnel(std::string_view& bytes, milliseconds idle) {
  give_credit();
  for (;;) {
    if (!body_.empty()) {
      bytes = body_.hand_out();
      co_return StreamStatus::ok;
    }
    if (input_ == Input::whole) co_return StreamStatus::ended;
    if (input_ != Input::open) co_return StreamStatus::reset;
    reader_.set_limit(idle);
    const auto status = co_await reader_;
    if (status != StreamStatus::ok) co_return status;
  }
}

Task<StreamStatus> Http2Request::write_tunnel(std::string_view bytes, milliseconds idle) {
  if (is_stopped()) co_return StreamStatus::reset;
  if (bytes.empty()) co_return StreamStatus::ok;
  session().send_data(id_, bytes, false);
  connection_->transport().produce_later();
  while (unsent() > 0) {
    writer_.begin(idle);
    const auto status = co_await writer_;
    if (status == StreamStatus::ok && !connection_->is_lost()) continue;
    drop_piece();
    co_return status == StreamStatus::ok ? StreamStatus::reset : status;
  }
  co_return is_stopped() ? StreamStatus::reset : StreamStatus::ok;
}

void Http2Request::set_tunnel_timeout(milliseconds idle) {
  reader_.set_limit(idle);
  writer_.begin(idle);
}

void Http2Request::end_tunnel() {
  if (is_stopped()) return;
  session().send_data(id_, {}, true);
  connection_->transport().produce_later();
}

}  // namespace sluice::upstream
