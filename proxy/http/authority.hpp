// Who a request is for: the authority of RFC 3986 3.2 as Host fields and absolute-form targets hold
// it. Pure.
#pragma once

#include <string_view>

namespace sluice::http {

// host [":" port] with a non-empty host: a name, an IPv4 address or a bracketed IPv6 address; no user
// information, no list, port at most 65535. Stricter than the grammar where it would let a comma or an
// IPvFuture through.
bool is_authority(std::string_view text);

// A request target in its parts.
struct Target {
  std::string_view authority;  // of the absolute form, else empty
  std::string_view path;
  std::string_view query;
  bool asterisk = false;
};

// Splits an origin-form, absolute-form (http and https) or, for OPTIONS, asterisk-form target (RFC 9112 3.2).
// False when it is none of them, holds a fragment or a byte that no URI has. Requires: `target` holds no
// controls.
bool split_target(std::string_view target, bool is_options, Target& out);

}  // namespace sluice::http
