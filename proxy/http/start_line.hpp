// The first line of a message.
#pragma once

#include <string_view>

#include "proxy/http/head_check.hpp"
#include "proxy/http/message.hpp"

namespace sluice::http {

// Fills method, target, path, query, host (of an absolute-form target), version, asterisk, is_head and
// is_idempotent. Returns why the line is refused, or no reason. `line` without CRLF, checked by HeadScanner.
Refusal parse_request_line(std::string_view line, RequestHead& out);

// Fills version, status and reason.
Refusal parse_status_line(std::string_view line, ResponseHead& out);

}  // namespace sluice::http
