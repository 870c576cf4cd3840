#include "proxy/http1/head_scanner.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <cstring>

#include "proxy/http/text.hpp"
#include "proxy/http1/message.hpp"

namespace sluice::http1 {
namespace {

constexpr Refusal kHeadTooLarge{431, "headers"};

// The first byte below SP or DEL: where a run of text ends, or a tab inside it.
const char* skip_text(const char* p, const char* end) {
#ifdef __SSE2__
  const __m128i last_control = _mm_set1_epi8(0x1f), del = _mm_set1_epi8(0x7f);
  for (; end - p >= 16; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i control =
        _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);  // unsigned bytes <= 0x1f
    const int hits = _mm_movemask_epi8(_mm_or_si128(control, _mm_cmpeq_epi8(bytes, del)));
    if (hits != 0) return p + __builtin_ctz(static_cast<unsigned>(hits));
  }
#endif
  while (p < end && http::is_text_char(*p) && *p != '\t') ++p;
  return p;
}

const char* skip_token(const char* p, const char* end) {
  while (p < end && http::is_token_char(*p)) ++p;
  return p;
}

}  // namespace

HeadScanner::Verdict HeadScanner::refuse(Refusal why) {
  state_ = State::refused;
  refusal_ = why;
  return Verdict::refused;
}

// Whole field lines, as long as they are sound and all there; whatever else is left to step(). Returns where
// they end.
const char* HeadScanner::skip_lines(const char* p, const char* end, http::Fields& fields) {
  for (;;) {
    const char* colon = skip_token(p, end);
    if (colon == p || colon == end || *colon != ':') return p;
    const char* stop = skip_text(colon + 1, end);
    if (end - stop < 2 || stop[0] != '\r' || stop[1] != '\n' || fields_ == limits_.fields) return p;
    ++fields_;
    if (found_)
      fields.push({p, static_cast<std::size_t>(colon - p)},
                  {colon + 1, static_cast<std::size_t>(stop - colon - 1)});
    p = stop + 2;
  }
}

HeadScanner::Verdict HeadScanner::scan(std::string_view data, http::Fields& fields) {
  fields.clear();
  if (fields_ > 0) found_ = false;  // those of the first part may lie elsewhere by now
  // The limits cut the input instead of being tested on the way: whatever arrives at once, a verdict falls on
  // the same byte.
  const std::size_t size = std::min<std::size_t>(data.size(), limits_.size);
  while (position_ < size && state_ != State::complete && state_ != State::refused) {
    const bool in_line = state_ == State::line;
    const std::size_t limit =
        in_line ? std::min<std::size_t>(size, line_begin_ + limits_.start_line()) : size;
    const char* stop = step(data.data() + position_, data.data() + limit, data.data(), fields);
    position_ = static_cast<std::uint32_t>(stop - data.data());
    if (state_ == State::line && position_ >= line_begin_ + limits_.start_line())
      return refuse(kTargetTooLong);
  }
  if (state_ == State::complete) return Verdict::complete;
  if (state_ == State::refused) return Verdict::refused;
  if (position_ >= limits_.size) return refuse(kHeadTooLarge);
  return Verdict::more;
}

// Goes through one state from p, which is before end; returns where the next one begins.
const char* HeadScanner::step(const char* p, const char* end, const char* base, http::Fields& fields) {
  switch (state_) {
    case State::start:
      if (*p == '\r' && kind_ == HeadKind::request && p == base) {
        state_ = State::start_lf;
        return p + 1;
      }
      line_begin_ = static_cast<std::uint32_t>(p - base);
      state_ = State::line;
      return p;
    case State::start_lf:
      if (*p != '\n') break;
      state_ = State::start;
      return p + 1;
    case State::line:
      p = skip_text(p, end);
      if (p == end) return p;
      if (*p == '\t' && kind_ == HeadKind::response) return p + 1;  // a reason phrase may hold tabs
      if (*p != '\r' || p == base + line_begin_) break;
      state_ = State::line_lf;
      return p + 1;
    case State::line_lf:
      if (*p != '\n') break;
      line_size_ = static_cast<std::uint32_t>(p - base) - 1 - line_begin_;
      state_ = State::field_start;
      return p + 1;
    case State::field_start:
      p = skip_lines(p, end, fields);
      if (p == end) return p;
      if (*p == '\r') {
        state_ = State::last_lf;
        return p + 1;
      }
      if (!http::is_token_char(*p)) break;  // an empty name, a fold
      if (++fields_ > limits_.fields) {
        refuse(kHeadTooLarge);
        return p;
      }
      state_ = State::name;
      found_ = false;
      return p;
    case State::name:
      p = skip_token(p, end);
      if (p == end) return p;
      if (*p != ':') break;
      state_ = State::value;
      return p + 1;
    case State::value:
      p = skip_text(p, end);
      if (p == end) return p;
      if (*p == '\t') return p + 1;
      if (*p != '\r') break;
      state_ = State::value_lf;
      return p + 1;
    case State::value_lf:
      if (*p != '\n') break;
      state_ = State::field_start;
      return p + 1;
    case State::last_lf:
      if (*p != '\n') break;
      state_ = State::complete;
      return p + 1;
    case State::complete:
    case State::refused:
      return p;
  }
  refuse(kMalformed);
  return p;
}

void split_fields(std::string_view lines, http::Fields& out) {
  out.clear();
  const char* p = lines.data();
  const char* const end = p + lines.size() - 2;
  while (p < end) {
    const char* colon = p;
    while (*colon != ':') ++colon;
    const auto* stop =
        static_cast<const char*>(std::memchr(colon, '\r', static_cast<std::size_t>(end - colon)));
    out.push({p, static_cast<std::size_t>(colon - p)},
             {colon + 1, static_cast<std::size_t>(stop - colon - 1)});
    p = stop + 2;
  }
}

}  // namespace sluice::http1
