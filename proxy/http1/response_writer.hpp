// Answers as they go to a client over HTTP/1: a backend's, and the proxy's own. Pure.
#pragma once

#include <span>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/http1/message.hpp"

namespace sluice::http1 {

struct ResponseContext {
  Version client_version = Version::http11;
  bool keep_alive = true;  // our side stays open after this answer; until_close closes whatever stands here
  bool head_request = false;
  Framing framing_to_client = Framing::none;  // from response_framing()
  std::span<const http::Field> extra = {};    // Set-Cookie, X-Sluice-Pool ...
  std::string_view date = {};                 // IMF-fixdate of now
};

// How the body of that answer is framed for this client: close-delimited becomes chunked where the client
// knows chunked, chunked becomes close-delimited where it does not.
Framing response_framing(const http::ResponseHead& head, Version client, bool is_head);

// Appends the head of a final answer.
void write_response(const http::ResponseHead& head, const ResponseContext& context, Buffer& out);

// Appends an interim answer (1xx), or a 101 with `head.upgrade` (then the tunnel begins). Not for HTTP/1.0
// clients.
void write_interim(const http::ResponseHead& head, Buffer& out);

// Appends a whole answer. `error_reason` goes into X-Sluice-Error (empty: no such field). With `head` the
// body is left out, its length is not. `retry_after_seconds` 0: no Retry-After.
void write_reply(int status, std::string_view error_reason, std::string_view body_text, bool keep_alive,
                 bool head, std::string_view date, Buffer& out, int retry_after_seconds = 0,
                 Version client = Version::http11);

}  // namespace sluice::http1
