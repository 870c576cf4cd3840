#include "proxy/http1/trailers.hpp"

#include "proxy/http/names.hpp"
#include "proxy/http/text.hpp"

namespace sluice::http1 {

void Trailers::reset() {
  state_ = State::line_start;
  size_ = count_ = line_size_ = name_size_ = 0;
  kept_.release();
  fields_.clear();
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
      end_field();
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

// There is room, and what was kept does not move.
void Trailers::keep(char c) {
  static_assert(kMaxSize < Buffer::kSmall);
  kept_.room()[line_size_++] = c;
}

void Trailers::end_field() {
  const char* text = kept_.room();
  const std::string_view name(text, name_size_);
  if (http::forbidden_in_trailers(name)) return;
  const auto value = http::trim({text + name_size_, line_size_ - name_size_});
  fields_.push_back({name, value, http::Header::other});
  kept_.commit(line_size_);
}

}  // namespace sluice::http1
