#include "proxy/http1/chunk_line.hpp"

#include <limits>

#include "proxy/http/text.hpp"

namespace sluice::http1 {
namespace {

constexpr int kFreeDigits = 16;  // of a size; further ones can only be needless zeros
constexpr std::uint64_t kMaxSize = std::numeric_limits<std::int64_t>::max();

int hex_value(char c) {
  if (http::is_digit(c)) return c - '0';
  const char lower = http::to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool is_space(char c) { return c == ' ' || c == '\t'; }

}  // namespace

Take ChunkLine::take(char c, std::int64_t& budget) {
  const bool in_size = state_ == State::first_digit || state_ == State::digits;
  const int digit = in_size ? hex_value(c) : -1;
  const bool free = c == '\r' || c == '\n' || (digit >= 0 && digits_ < kFreeDigits);
  if (!free && --budget < 0)
    state_ = State::refused;
  else if (digit >= 0)
    state_ = add_digit(digit) ? State::digits : State::refused;
  else
    state_ = after(c);
  if (state_ == State::complete) return Take::complete;
  return state_ == State::refused ? Take::refused : Take::more;
}

bool ChunkLine::add_digit(int digit) {
  if (size_ > (kMaxSize >> 4)) return false;
  size_ = size_ << 4 | static_cast<std::uint64_t>(digit);
  if (digits_ < kFreeDigits) ++digits_;
  return true;
}

// chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ); no space before CRLF.
ChunkLine::State ChunkLine::after(char c) const {
  switch (state_) {
    case State::first_digit:
      return State::refused;
    case State::digits:
      return is_space(c) ? State::space_before_extension : end_of_member(c);
    case State::space_before_extension:
      if (is_space(c)) return state_;
      return c == ';' ? State::extension : State::refused;
    case State::extension:
      if (is_space(c)) return state_;
      return http::is_token_char(c) ? State::name : State::refused;
    case State::name:
      if (http::is_token_char(c)) return state_;
      if (c == '=') return State::before_value;
      return is_space(c) ? State::space_after_name : end_of_member(c);
    case State::space_after_name:
      if (is_space(c)) return state_;
      if (c == '=') return State::before_value;
      return c == ';' ? State::extension : State::refused;
    case State::before_value:
      if (is_space(c)) return state_;
      if (c == '"') return State::quoted;
      return http::is_token_char(c) ? State::value : State::refused;
    case State::value:
      if (http::is_token_char(c)) return state_;
      return is_space(c) ? State::space_before_extension : end_of_member(c);
    case State::quoted:
      if (c == '"') return State::after_quoted;
      if (c == '\\') return State::escaped;
      return http::is_text_char(c) ? state_ : State::refused;
    case State::escaped:
      return http::is_text_char(c) ? State::quoted : State::refused;
    case State::after_quoted:
      return is_space(c) ? State::space_before_extension : end_of_member(c);
    case State::line_feed:
      return c == '\n' ? State::complete : State::refused;
    case State::complete:
    case State::refused:
      break;
  }
  return State::refused;
}

ChunkLine::State ChunkLine::end_of_member(char c) const {
  if (c == '\r') return State::line_feed;
  return c == ';' ? State::extension : State::refused;
}

}  // namespace sluice::http1
