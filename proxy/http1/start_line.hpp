// The first line of a message. Pure.
#pragma once

#include <string_view>

#include "proxy/http1/head_scanner.hpp"
#include "proxy/http1/message.hpp"

namespace sluice::http1 {

// Fills method, target, path, query, host (of an absolute-form target), version, asterisk, is_head and
// is_idempotent. Returns why the line is refused, or no reason. `line` without CRLF, checked by HeadScanner.
Refusal parse_request_line(std::string_view line, RequestHead& out);

// Fills version, status and reason.
Refusal parse_status_line(std::string_view line, ResponseHead& out);

// What a request's first bytes tell when the request is refused: each part only when it is sound by itself.
struct Glance {
  std::string_view method, path, query;
  std::string_view protocol;  // "HTTP/1.1", "HTTP/3.7"
};
// `bytes`: all that came of the request, at least its beginning.
Glance glance(std::string_view bytes);

}  // namespace sluice::http1
