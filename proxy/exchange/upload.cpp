#include "proxy/exchange/upload.hpp"

namespace sluice::exchange {

using client::BodyPiece;

void Upload::begin_with(std::string_view piece) {
  const http::RequestHead& head = client_.head();
  if (head.body == http::BodyLength::known && head.content_length > KeptBody::kMost) return;
  kept_ = std::make_unique<KeptBody>(client_);
  kept_->add(piece);
}

void Upload::start(upstream::Request& request) {
  request_ = &request;
  state_ = State::running;
  end_ = End::done;
  client_.allow_pipes(request.takes_pipes() && !shadow_.wants_more());
  ended_.reset();
  spawn(run());
}

Task<void> Upload::run() {
  for (;;) {
    // join() finds nothing to cancel where a wait has just ended.
    if (state_ == State::unwanted) {
      end_ = End::canceled;
      break;
    }
    const BodyPiece piece = co_await client_.read_body();
    end_ = piece.kind;
    if (piece.kind != End::data && piece.kind != End::done) {
      if (piece.kind == End::gone) observer_.client_gone();
      request_->cancel();
      break;
    }
    if (piece.piped) {
      kept_.reset();
      if (state_ == State::unwanted) continue;
      const auto status = co_await request_->send_piped(*piece.piped);
      if (status != StreamStatus::ok) break;
      continue;
    }
    const bool last = piece.kind == End::done;
    if (kept_) kept_->add(piece.data);
    shadow_.more(piece.data, last);
    if (state_ == State::unwanted) continue;
    std::span<const http::Field> trailers;
    if (last) trailers = client_.trailers();
    const auto status = co_await request_->send_data(piece.data, last, trailers);
    if (last && status == StreamStatus::ok) client_.watch();
    if (last || status != StreamStatus::ok) break;
  }
  state_ = State::ended;
  ended_.fire();
}

Task<void> Upload::join() {
  state_ = State::unwanted;
  request_->cancel();
  client_.cancel();
  co_await ended_;
}

}  // namespace sluice::exchange
