// Trace context (W3C) and request ids. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::http {

// A traceparent of version 00, or of a later one that begins alike: ids in lower case and not all zero.
bool is_traceparent(std::string_view text);

// "00-<trace id>-<span id>-01" of `random`.
// `trace_id`: the digits of make_request_id(), if they were made already.
std::string_view make_traceparent(const std::array<std::uint64_t, 3>& random, std::string_view trace_id,
                                  char (&storage)[55]);

// 32 hexadecimal digits: the trace id that make_traceparent() would use, so that one word finds both.
std::string_view make_request_id(const std::array<std::uint64_t, 3>& random, char (&storage)[32]);

// 1 to 128 visible ASCII characters.
bool is_sane_request_id(std::string_view text);

}  // namespace sluice::http
