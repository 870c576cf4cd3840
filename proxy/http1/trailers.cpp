#include "proxy/http1/trailers.hpp"

#include "proxy/http/names.hpp"
#include "proxy/http/text.hpp"

namespace sluice::http1 {

void Trailers::reset() {
  state_ = State::line_start;
  size_ = count_ = line_size_ = name_size_ = 0;
  kept_.release();
}

Take Trailers::take(char c) {
  state_ = ++size_ > kMaxSize ? State::refused : after(c);
  if (state_ == State::complete) return Take::complete;
  return state_ == State::refused ? Take::refused : Take::more;
}

Trailers::State Trailers::after(char c) {
  switch (state_) {
    case State::line_start:
      return start_line(c);
    case State::name:
      return name(c);
    case State::before_value:
      return c == ' ' || c == '\t' ? state_ : value(c);
    case State::value:
      return value(c);
    case State::line_feed:
      if (c != '\n') return State::refused;
      end_line();
      return State::line_start;
    case State::last_line_feed:
      return c == '\n' ? State::complete : State::refused;
    case State::complete:
    case State::refused:
      break;
  }
  return State::refused;
}

Trailers::State Trailers::start_line(char c) {
  if (c == '\r') return State::last_line_feed;
  if (++count_ > kMaxCount) return State::refused;
  line_size_ = 0;
  return c == ':' ? State::refused : name(c);
}

Trailers::State Trailers::name(char c) {
  if (c == ':') {
    name_size_ = line_size_;
    keep(':');
    keep(' ');
    return State::before_value;
  }
  if (!http::is_token_char(c)) return State::refused;
  keep(c);
  return State::name;
}

Trailers::State Trailers::value(char c) {
  if (c == '\r') return State::line_feed;
  if (!http::is_text_char(c)) return State::refused;
  keep(c);
  return State::value;
}

// There is room: a line grows by the space after its colon at most.
void Trailers::keep(char c) {
  static_assert(kMaxSize + kMaxCount < Buffer::kSmall);
  kept_.room()[line_size_++] = c;
}

void Trailers::end_line() {
  const char* line = kept_.room();
  if (http::forbidden_in_trailers({line, name_size_})) return;
  const std::uint32_t value_at = name_size_ + 2;
  line_size_ =
      value_at + static_cast<std::uint32_t>(http::trim({line + value_at, line_size_ - value_at}).size());
  keep('\r');
  keep('\n');
  kept_.commit(line_size_);
}

}  // namespace sluice::http1
