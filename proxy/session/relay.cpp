// The answer on its way: pump() does what can be done with the bytes at hand, receive() waits for what it
// asks for.
#include "proxy/session/exchange.hpp"

namespace sluice::session {

using net::IoStatus;
using upstream::Phase;

namespace {
constexpr int kMaxInterims = 16;  // 1xx answers to one request; a flood of them is no answer
}  // namespace

Task<Failure> Exchange::receive() {
  for (bool done = false; !done;) {
    switch (pump()) {
      case Pump::done:
        done = true;
        break;
      case Pump::tunnel:
        co_await tunnel();
        co_return Failure{};
      case Pump::failed:
        co_return Failure{attempt_.kind, Side::upstream};
      case Pump::blocked: {
        flushing_ = true;
        const auto status = co_await client_.flush();
        flushing_ = false;
        if (status != IoStatus::ok)
          co_return cut_ ? Failure{FailureKind::drained, Side::proxy}
                         : Failure{FailureKind::gone, Side::client};
        done = answer_head_read_ && answer_body_.done();
        break;
      }
      case Pump::read: {
        if (gone_ || cut_ || upload_end_ > BodyPiece::Kind::done) co_return failure_of(IoStatus::canceled);
        if (!conn_->stream.armed() && !conn_->arm()) co_return Failure{FailureKind::protocol, Side::upstream};
        if (!upload_running_) conn_->stream.limit(spec().timeouts.response);
        const auto read = co_await conn_->stream.read();
        if (read.status == IoStatus::ok) {
          conn_->in.commit(read.size);
          last_byte_ = context_.wheel.tick();
          if (!answer_head_read_) attempt_.phase = Phase::answered;
          break;
        }
        done = read.status == IoStatus::eof && answer_head_read_ && answer_body_.ends_at_eof();
        if (!done) co_return failure_of(read.status);
        if (!client_.write({}, true, {})) co_await client_.flush();
        break;
      }
    }
  }
  const bool serves_again = reusable();
  if (!conn_->in.empty()) claim_.backend()->quarantine();
  if (upload_running_) co_await join_upload();
  release_conn(serves_again);
  co_return Failure{};
}

// The whole answer went out. The connection serves again if both messages ended where they should.
bool Exchange::reusable() const {
  const bool sent_whole = !upload_running_ && upload_end_ == BodyPiece::Kind::done && client_.body_read();
  return sent_whole && answer_.keep_alive && !answer_body_.ends_at_eof() && conn_->in.empty() &&
         !conn_->stream.armed();
}

Exchange::Pump Exchange::pump() {
  if (!answer_head_read_) {
    const Pump head = pump_head();
    if (head != Pump::done) return head;
  }
  return pump_body();
}

// Done: the final head was read and the answer to the client begun.
Exchange::Pump Exchange::pump_head() {
  upstream::Connection& conn = *conn_;
  for (;;) {
    if (conn.in.empty()) return Pump::read;
    switch (conn.parser.parse(conn.in.view(), answer_, client_.head().is_head)) {
      case http1::Status::more:
        return Pump::read;
      case http1::Status::refused:
        attempt_.kind = FailureKind::protocol;
        return Pump::failed;
      case http1::Status::done:
        break;
    }
    if (answer_.status >= 200) break;
    if (answer_.status == 101) {
      if (!answer_.upgrade || client_.head().upgrade.empty()) {  // nobody asked for it
        attempt_.kind = FailureKind::protocol;
        return Pump::failed;
      }
      answer_head_read_ = true;
      return Pump::tunnel;
    }
    if (++interims_ > kMaxInterims) {
      attempt_.kind = FailureKind::protocol;
      return Pump::failed;
    }
    client_.interim(answer_);
    conn.in.consume(answer_.size);
    conn.parser.reset();
    if (!client_.write({}, false, {})) return Pump::blocked;
  }
  answer_head_read_ = true;
  answer_began_ = net::Clock::now();
  attempt_.status = answer_.status;
  attempt_.phase = Phase::answered;
  if (answer_.login) conn.login = true;
  if (answer_.status >= 500 && again({FailureKind::status, Side::upstream})) {
    attempt_.kind = FailureKind::status;
    return Pump::failed;
  }
  attempt_.kind = FailureKind::none;
  begin_answer();
  return Pump::done;
}

void Exchange::begin_answer() {
  answer_body_.start(answer_.framing, answer_.content_length);
  client_.begin(answer_, prepare_extra());
  conn_->in.consume(answer_.size);
  conn_->parser.reset();
}

Exchange::Pump Exchange::pump_body() {
  upstream::Connection& conn = *conn_;
  if (answer_body_.done() && answer_.framing == http1::Framing::none) {
    return client_.write({}, true, {}) ? Pump::done : Pump::blocked;
  }
  for (;;) {
    if (conn.in.empty() && !answer_body_.done()) {
      // What has come goes on now: the client need not wait for the backend's next piece.
      if (!client_.write({}, false, {})) return Pump::blocked;
      return Pump::read;
    }
    const auto step = answer_body_.next(conn.in.view());
    switch (step.kind) {
      case http1::BodyStep::Kind::refused:
        attempt_.kind = FailureKind::protocol;
        return Pump::failed;
      case http1::BodyStep::Kind::more:
        conn.in.consume(step.consumed);
        continue;
      case http1::BodyStep::Kind::done: {
        conn.in.consume(step.consumed);
        return client_.write({}, true, answer_body_.trailers()) ? Pump::done : Pump::blocked;
      }
      case http1::BodyStep::Kind::data: {
        const bool last = answer_body_.done();
        const bool sent = client_.write(step.data, last, {});
        conn.in.consume(
            step.consumed);  // the bytes stay where they are: nothing is read before they are flushed
        if (!sent) return Pump::blocked;
        if (last) return Pump::done;
      }
    }
  }
}

}  // namespace sluice::session
