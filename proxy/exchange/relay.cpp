#include "proxy/exchange/relay.hpp"

namespace sluice::exchange {

using upstream::AnswerEvent;

namespace {
constexpr int kMaxInterims = 16;  // 1xx answers to one request; a flood of them is no answer
}  // namespace

Relay::Step Relay::step(upstream::Request& request) {
  if (ended_) return Step::done;
  for (;;) {
    const AnswerEvent event = request.next();
    switch (event.kind) {
      case AnswerEvent::Kind::none:
        // What has come goes on now: the client need not wait for the backend's next piece.
        return !begun_ || client_.push() ? Step::wait : Step::blocked;
      case AnswerEvent::Kind::interim:
        if (++interims_ > kMaxInterims) return fail(FailureKind::protocol);
        client_.send_interim(request.answer());
        if (!client_.push()) return Step::blocked;
        break;
      case AnswerEvent::Kind::head:
        begun_ = true;
        return Step::head;
      case AnswerEvent::Kind::data: {
        if (events_) events_->pass(event.data);
        const bool sent = event.piped ? client_.send_piped(*event.piped, event.last)
                                      : client_.send_data(event.data, event.last);
        if (event.last) return end(sent);
        if (!sent) return Step::blocked;
        break;
      }
      case AnswerEvent::Kind::end: {
        const auto trailers = request.trailers();
        return end(trailers.empty() ? client_.send_data({}, true) : client_.send_trailers(trailers));
      }
      case AnswerEvent::Kind::tunnel:
        begun_ = true;
        return Step::tunnel;
      case AnswerEvent::Kind::failed:
        return fail(event.failure);
    }
  }
}

Relay::Step Relay::fail(FailureKind kind) {
  failure_ = kind;
  return Step::failed;
}

Relay::Step Relay::end(bool sent) {
  ended_ = true;
  return sent ? Step::done : Step::blocked;
}

}  // namespace sluice::exchange
