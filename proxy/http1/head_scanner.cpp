#include "proxy/http1/head_scanner.hpp"

#include <algorithm>
#include <cstring>

#include "proxy/http/runs.hpp"
#include "proxy/http/text.hpp"
#include "proxy/http1/message.hpp"

namespace sluice::http1 {
namespace {

constexpr Refusal kHeadTooLarge{431, "headers"};

// Where a run of text ends, or a tab inside it.
[[gnu::always_inline]] inline const char* skip_text(const char* p, const char* end) {
  return http::skip<http::TextBytes>(p, end);
}

[[gnu::always_inline]] inline const char* skip_token(const char* p, const char* end) {
  p = http::skip<http::NameBytes>(p, end);
  if (p < end && *p == ':') return p;  // most names
  while (p < end && http::is_token_char(*p)) ++p;
  return p;
}

// Where p stands the line ends, and all of its end is there.
bool ends_line(const char* p, const char* end) { return end - p >= 2 && p[0] == '\r' && p[1] == '\n'; }

}  // namespace

HeadScanner::Verdict HeadScanner::refuse(Refusal why) {
  state_ = State::refused;
  refusal_ = why;
  return Verdict::refused;
}

// The whole start line, if it is sound and all there; else nothing, and step() looks at it a state at a time.
const char* HeadScanner::skip_start_line(const char* p, const char* end) {
  const char* const stop = skip_text(p, end);
  const auto size = static_cast<std::size_t>(stop - p);
  if (size == 0 || size >= limits_.start_line() || !ends_line(stop, end)) {
    state_ = State::line;
    return p;
  }
  line_size_ = static_cast<std::uint32_t>(size);
  state_ = State::field_start;
  return stop + 2;
}

// Whole field lines, as long as they are sound and all there; whatever else is left to step(). Returns where
// they end.
const char* HeadScanner::skip_lines(const char* p, const char* end, http::Fields& fields) {
  std::uint32_t count = fields_;
  for (;; ++count) {
    const char* colon = skip_token(p, end);
    if (colon == p || colon == end || *colon != ':') break;
    const char* stop = skip_text(colon + 1, end);
    if (!ends_line(stop, end) || count == limits_.fields) break;
    if (found_) fields.push_line(p, colon, stop);
    p = stop + 2;
  }
  fields_ = count;
  return p;
}

// A head that is sound and has come whole, as most do; of any other one as much as step() need not look at.
// Requires: nothing was looked at yet, something is there.
void HeadScanner::skip_head(const char* p, const char* end, http::Fields& fields) {
  const char* const base = p;
  p = skip_start_line(p, end);
  if (state_ == State::field_start) {
    p = skip_lines(p, end, fields);
    if (ends_line(p, end)) {
      p += 2;
      state_ = State::complete;
    }
  }
  position_ = static_cast<std::uint32_t>(p - base);
}

HeadScanner::Verdict HeadScanner::scan(std::string_view data, http::Fields& fields) {
  fields.clear();
  if (fields_ > 0) found_ = false;  // those of the first part may lie elsewhere by now
  // The limits cut the input instead of being tested on the way: whatever arrives at once, a verdict falls on
  // the same byte.
  const std::size_t size = std::min<std::size_t>(data.size(), limits_.size);
  if (state_ == State::start && size > 0 && data[0] != '\r')
    skip_head(data.data(), data.data() + size, fields);
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
      return skip_start_line(p, end);
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
        const bool ends = ends_line(p, end);
        state_ = ends ? State::complete : State::last_lf;
        return ends ? p + 2 : p + 1;
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
    out.push_line(p, colon, stop);
    p = stop + 2;
  }
}

}  // namespace sluice::http1
