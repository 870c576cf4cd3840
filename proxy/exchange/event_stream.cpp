#include "proxy/exchange/event_stream.hpp"

#include <algorithm>

#include "proxy/http/text.hpp"

namespace sluice::exchange {

// Lines end with CR, LF or both.
void EventBoundary::pass(std::string_view piece) {
  if (piece.empty()) return;
  char tail[6] = {last_[0], last_[1], last_[2]};
  const std::string_view end = piece.substr(piece.size() - std::min<std::size_t>(piece.size(), 3));
  end.copy(tail + 3, end.size());
  const std::string_view all(tail, 3 + end.size());
  ends_ = all.ends_with("\n\n") || all.ends_with("\r\r") || all.ends_with("\n\r\n");
  all.substr(all.size() - 3).copy(last_, 3);
}

EventStream::EventStream(net::TimerWheel& wheel, upstream::Request& request, upstream::Activity& activity,
                         observe::Counter& tunnels)
    : Deadline(wheel), request_(request), activity_(activity), tunnels_(tunnels) {
  tunnels_.add();
}

bool EventStream::is_one(const http::ResponseHead& answer) {
  constexpr std::string_view kType = "text/event-stream";
  if (answer.body != http::BodyLength::unknown) return false;
  const http::Field* const type = answer.fields.find("content-type");
  return type && type->value.size() >= kType.size() &&
         http::iequals(type->value.substr(0, kType.size()), kType) && !answer.fields.find("content-encoding");
}

// In the middle of an event its rest is awaited.
void EventStream::expired() {
  if (leaving_) return activity_.abort();
  leaving_ = true;
  expires_after(kPatience);
  if (boundary_.at_boundary()) request_.cancel();
}

}  // namespace sluice::exchange
