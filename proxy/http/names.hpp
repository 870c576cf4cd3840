// The field names the proxy itself acts on. Every parsed field carries its id, so that names are compared
// once per head.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::http {

enum class Header : std::uint8_t {
  other,  // end to end, forwarded as received
  host,
  connection,
  content_length,
  transfer_encoding,
  te,
  trailer,
  upgrade,
  expect,
  max_forwards,
  via,
  date,
  cookie,
  x_request_id,
  traceparent,
  tracestate,
  hop_by_hop,  // Keep-Alive, Proxy-Connection, HTTP2-Settings
  proxy,       // never a real request field; CGI backends would read it as HTTP_PROXY (httpoxy)
  forwarded,   // Forwarded, X-Forwarded-*, X-Real-IP, X-Feature-Flags: only the proxy may say them to a
               // backend
  sluice,      // X-Sluice-*
  alias,  // `Content_Length`: CGI-style backends read it as the field above that it imitates; never forwarded
};

// `name` must be a token (RFC 9110 5.6.2). Case-insensitive.
Header header_id(std::string_view name);

// RFC 9110 6.5.1: framing, routing, authentication, request modifiers and content description have no place
// in trailers.
bool forbidden_in_trailers(std::string_view name);

}  // namespace sluice::http
