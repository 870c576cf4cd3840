// The proxy's own short answers.
#pragma once

#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/http/message.hpp"

namespace sluice::http {

// Appends a whole answer. `error_reason` goes into X-Sluice-Error (empty: no such field). With `head` the
// body is left out, its length is not. `retry_after_seconds` 0: no Retry-After.
void write_reply(int status, std::string_view error_reason, std::string_view body_text, bool keep_alive,
                 bool head, std::string_view date, Buffer& out, int retry_after_seconds = 0,
                 Version client = Version::http11);

// "Not Found" for 404; a general word for a status without one.
std::string_view reason_phrase(int status);

}  // namespace sluice::http
