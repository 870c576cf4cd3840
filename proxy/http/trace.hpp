// Trace context (W3C) and request ids. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::http {

// A traceparent of version 00, or of a later one that begins alike: ids in lower case and not all zero.
bool is_traceparent(std::string_view text);

// What a traceparent says: views into it.
struct TraceParent {
  static constexpr std::uint8_t kSampled = 1;

  std::string_view trace_id;  // 32 digits
  std::string_view span_id;   // 16
  std::uint8_t flags = 0;     // those that version 00 and its successors know: sampled (1), random (2)
};
// Nothing when `text` is no traceparent.
std::optional<TraceParent> read_traceparent(std::string_view text);
// As version 00. Requires: ids of those sizes.
std::string_view write_traceparent(const TraceParent& parent, char (&storage)[55]);

// 16 digits; never all zero.
void write_span_id(std::uint64_t random, char (&storage)[16]);

// "00-<trace id>-<span id>-01" of `random`.
// `trace_id`: the digits of make_request_id(), if they were made already.
std::string_view make_traceparent(const std::array<std::uint64_t, 3>& random, std::string_view trace_id,
                                  char (&storage)[55]);

// 32 hexadecimal digits: the trace id that make_traceparent() would use, so that one word finds both.
std::string_view make_request_id(const std::array<std::uint64_t, 3>& random, char (&storage)[32]);

// 1 to 128 visible ASCII characters.
bool is_sane_request_id(std::string_view text);

}  // namespace sluice::http
