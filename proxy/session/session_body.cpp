// What the client sends behind a head: the request's body in pieces, or a tunnel's bytes.
#include <algorithm>

#include "proxy/session/session.hpp"

namespace sluice::session {

using namespace std::chrono_literals;
using net::IoStatus;

bool Session::whole_body(std::string_view& body) const {
  body = {};
  if (head_->framing == http1::Framing::none) return true;
  if (head_->framing != http1::Framing::length) return false;
  const std::string_view came = in_.view().substr(head_->size);
  if (came.size() < head_->content_length) return false;
  body = came.substr(0, head_->content_length);
  return true;
}

bool Session::limit_body(std::uint64_t bytes) {
  if (bytes > 0 && (body_limit_ == 0 || bytes < body_limit_)) body_limit_ = bytes;
  return body_limit_ == 0 || head_->framing != http1::Framing::length || head_->content_length <= body_limit_;
}

Task<BodyPiece> Session::read_body() {
  for (;;) {
    const std::string_view unread = body_in_use_ ? body_in_.view() : in_.view().substr(body_at_);
    if (body_.done()) co_return BodyPiece{BodyPiece::Kind::done, {}};
    const auto step = body_.next(unread);
    if (body_in_use_) {
      body_in_.skip(step.consumed);  // the bytes stay where they are until the next read
    } else {
      body_at_ += step.consumed;
    }
    switch (step.kind) {
      case http1::BodyStep::Kind::data:
        bytes_in_ += step.data.size();
        if (body_limit_ > 0 && bytes_in_ > body_limit_) co_return BodyPiece{BodyPiece::Kind::too_large, {}};
        co_return BodyPiece{BodyPiece::Kind::data, step.data};
      case http1::BodyStep::Kind::done:
        co_return BodyPiece{BodyPiece::Kind::done, {}};
      case http1::BodyStep::Kind::refused:
        co_return BodyPiece{BodyPiece::Kind::malformed, {}};
      case http1::BodyStep::Kind::more:
        break;
    }
    if (!stream_.armed()) {  // a read that is outstanding since the last request goes to where that one was
      body_in_use_ = true;
      body_in_.clear();
      arm(body_in_);
    }
    const auto patience = body_patience();
    if (patience == 0ms) co_return BodyPiece{BodyPiece::Kind::too_slow, {}};
    stream_.limit(patience);
    const auto asked = net::Clock::now();
    const auto read = co_await stream_.read();
    body_waited_ += std::chrono::duration_cast<std::chrono::milliseconds>(net::Clock::now() - asked);
    end_wait();
    if (read.status == IoStatus::timed_out) co_return BodyPiece{BodyPiece::Kind::too_slow, {}};
    if (read.status == IoStatus::canceled) co_return BodyPiece{BodyPiece::Kind::canceled, {}};
    if (read.status != IoStatus::ok) {
      lost_ = true;
      co_return BodyPiece{BodyPiece::Kind::gone, {}};
    }
    tail().commit(read.size);
  }
}

// How long the body's next piece may take: body_timeout, unless what has come is less than min_body_rate's
// worth of the time that was spent waiting for it. A byte now and then holds no connection.
std::chrono::milliseconds Session::body_patience() const {
  if (listener_->spec.min_body_rate == 0) return listener_->spec.body_timeout;
  const auto earned = std::chrono::milliseconds(bytes_in_ * 1000 / listener_->spec.min_body_rate);
  const auto left = listener_->spec.body_timeout + earned - body_waited_;
  return std::clamp<std::chrono::milliseconds>(left, 0ms, listener_->spec.body_timeout);
}

// The body's reading and the answer's writing share the stream's limit: the one that ends leaves the other
// limited.
void Session::end_wait() {
  if (stream_.awaited()) {
    stream_.limit(listener_->spec.body_timeout);
  } else {
    stream_.no_limit();
  }
}

Task<IoStatus> Session::read_raw(std::string_view& bytes, std::chrono::milliseconds idle) {
  stream_.observe(nullptr);
  for (;;) {
    if (!body_in_use_) {
      bytes = in_.view().substr(body_at_);
      body_at_ = in_.size();
      if (!bytes.empty()) co_return IoStatus::ok;
      if (!stream_.armed()) body_in_use_ = true;
    }
    if (!stream_.armed()) {
      body_in_.clear();
      arm(body_in_);
    }
    stream_.limit(idle);
    const auto read = co_await stream_.read();
    if (read.status != IoStatus::ok) co_return read.status;
    tail().commit(read.size);
    if (!body_in_use_) continue;
    bytes = body_in_.view();
    co_return IoStatus::ok;
  }
}

}  // namespace sluice::session
