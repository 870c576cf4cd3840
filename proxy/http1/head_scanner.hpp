// The guard in front of the parser: reads every byte of a head and refuses what is no HTTP, also where llhttp
// 8 would be lenient (bare CR and LF, folds, empty names, leading bytes without end), and what costs too
// much. Nothing is repaired (X2). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/http/refusal.hpp"
#include "proxy/http1/message.hpp"

namespace sluice::http1 {

using http::kMalformed;
using http::kTargetTooLong;
using http::Refusal;

constexpr std::size_t kMaxTarget = 8 * 1024;  // RFC 9112 3 wants 8000 octets of request line at least
constexpr std::size_t kMaxHead = 32 * 1024;

// What a head may cost. The defaults are also the most: buffers and Fields are made for them.
struct HeadLimits {
  std::uint32_t size = kMaxHead;      // bytes, with the empty line at its end
  std::uint32_t target = kMaxTarget;  // bytes
  std::uint32_t fields = http::kMaxFields;
  // Bytes of the first line: the target, its method and version; or a status line.
  std::uint32_t start_line() const { return target + 256; }
};

// Which first line stands above the fields. Only in front of a request is one empty line ignored (RFC
// 9112 2.2).
enum class HeadKind : std::uint8_t { request, response };

// Fed with all bytes since the start of the message, again and again as more arrive; it remembers how far it
// got. The verdict on a sequence of bytes does not depend on how they were cut.
class HeadScanner {
 public:
  enum class Verdict : std::uint8_t { more, complete, refused };

  explicit HeadScanner(HeadKind kind, const HeadLimits& limits = {}) : kind_(kind), limits_(limits) {}

  // `fields` is filled on the way when the head has come whole; fields_found() says so once it is complete.
  Verdict scan(std::string_view data, http::Fields& fields);
  bool fields_found() const { return found_; }
  // Bytes up to and including the empty line, once complete.
  std::size_t head_size() const { return position_; }
  // Where the start line begins (0 or 2), and its size without CRLF; the size is 0 until the line is
  // complete.
  std::size_t line_begin() const { return line_begin_; }
  std::size_t line_size() const { return line_size_; }
  Refusal refusal() const { return refusal_; }
  void reset() { *this = HeadScanner(kind_, limits_); }

 private:
  enum class State : std::uint8_t {
    start,
    start_lf,
    line,
    line_lf,
    field_start,
    name,
    value,
    value_lf,
    last_lf,
    complete,
    refused
  };

  void skip_head(const char* p, const char* end, http::Fields& fields);
  const char* skip_start_line(const char* p, const char* end);
  const char* skip_lines(const char* p, const char* end, http::Fields& fields);
  const char* step(const char* p, const char* end, const char* base, http::Fields& fields);
  Verdict refuse(Refusal why);

  HeadKind kind_;
  HeadLimits limits_;
  State state_ = State::start;
  bool found_ = true;
  std::uint32_t position_ = 0, line_begin_ = 0, line_size_ = 0, fields_ = 0;
  Refusal refusal_;
};

// Fills `out` with the fields of `lines` (from behind the start line up to and including the empty line), for
// a head that did not come whole. Requires: HeadScanner found the head complete, so that every line is
// `token:text CRLF`.
void split_fields(std::string_view lines, http::Fields& out);

}  // namespace sluice::http1
