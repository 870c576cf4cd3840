// Heads as they go on: written anew from what was parsed (X1), without what belongs to one hop only (X6),
// with what the proxy adds (CONTRACT, Headers).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/http/message.hpp"

namespace sluice::http {

struct ForwardContext {
  std::string_view client_ip = {};      // who connected: goes to the end of X-Forwarded-For
  bool trusted = false;                 // a trusted proxy: its X-Forwarded-* and Forwarded are kept
  std::string_view proto = {};          // "http" or "https"
  std::string_view request_id = {};     // from choose_request_id(); empty: chosen here
  std::string_view strip_prefix = {};   // taken off the path if it is there; what remains starts with '/'
  std::string_view default_host = {};   // the Host of a request without one (HTTP/1.0): the backend's address
  std::string_view feature_flags = {};  // "a=on,b=off"; empty: no X-Feature-Flags
  std::string_view identity = {};       // ready-made lines about the client's certificate, each with CRLF
  std::string_view drop_cookie = {};    // the name of a cookie that is not the backend's; empty: none
  bool forward_expect = true;           // false when the 100 was or will be sent by us
  // Fresh for each request: a new request id and trace id are made of [0] and [1], a new span id of [2].
  std::array<std::uint64_t, 3> random = {};
};

// The client's own X-Request-ID if there is one and it is sane (1 to 128 visible characters), else 32 hex
// digits of `random`, written to `storage`.
std::string_view choose_request_id(const RequestHead& head, const std::array<std::uint64_t, 3>& random,
                                   char (&storage)[32]);

// Appends the request head for a backend.
void write_request(const RequestHead& head, const ForwardContext& context, Buffer& out);

struct ResponseContext {
  Version client_version = Version::http11;
  bool keep_alive = true;  // our side stays open after this answer; until_close closes whatever stands here
  bool head_request = false;
  Framing framing_to_client = Framing::none;  // from response_framing()
  std::string_view extra = {};  // ready-made lines, each with CRLF: Set-Cookie, X-Sluice-Pool ...
  std::string_view date = {};   // IMF-fixdate of now
};

// How the body of that answer is framed for this client: close-delimited becomes chunked where the client
// knows chunked, chunked becomes close-delimited where it does not.
Framing response_framing(const ResponseHead& head, Version client, bool is_head);

// Appends the head of a final answer.
void write_response(const ResponseHead& head, const ResponseContext& context, Buffer& out);

// Appends an interim answer (1xx), or a 101 with `head.upgrade` (then the tunnel begins). Not for HTTP/1.0
// clients.
void write_interim(const ResponseHead& head, Buffer& out);

}  // namespace sluice::http
