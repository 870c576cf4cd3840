// Heads as they go on: written anew from what was parsed (X1), without what belongs to one hop only (X6),
// with what the proxy adds (CONTRACT, Headers).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

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

// The only field of that name; null when there is none, and when there are two: they contradict each other.
const Field* only_field(const Fields& fields, Header id);

}  // namespace sluice::http
