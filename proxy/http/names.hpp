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
  keep_alive,
  hop_by_hop,     // Proxy-Connection, HTTP2-Settings
  authorization,  // also Proxy-Authorization
  authenticate,   // WWW-Authenticate, Proxy-Authenticate
  proxy,          // never a real request field; CGI backends would read it as HTTP_PROXY (httpoxy)
  // A client's own reach no backend; of who is one of `trusted_proxies` they do.
  forwarded,  // Forwarded and all X-Forwarded-* but the next four
  forwarded_for,
  forwarded_proto,
  forwarded_host,
  forwarded_port,
  ours,    // X-Real-IP, Client-Cert*, X-Client-Cert-*, X-Feature-Flags: nobody but we say them to a backend
  sluice,  // X-Sluice-*
  alias,  // `Content_Length`: CGI-style backends read it as the field above that it imitates; never forwarded
};

// `name` must be a token (RFC 9110 5.6.2). Case-insensitive.
Header header_id(std::string_view name);

// Challenges or credentials among which are NTLM's or Negotiate's. These log in the connection that they are
// spoken on, not the request (RFC 4559 4).
bool logs_connection_in(std::string_view list);

// RFC 9110 6.5.1: framing, routing, authentication, request modifiers and content description have no place
// in trailers.
bool forbidden_in_trailers(std::string_view name);

}  // namespace sluice::http
