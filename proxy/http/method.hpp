// Methods, as far as the proxy cares. Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include "proxy/http/refusal.hpp"
#include "proxy/http/text.hpp"

namespace sluice::http {

constexpr std::size_t kMaxMethod = 32;  // longer than any registered one

// Upper case is part of a method's name: `get` is another method.
constexpr bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

constexpr Refusal check_method(std::string_view method) {
  if (!is_token(method)) return kMalformed;
  // A gateway has no business opening tunnels to names the client chooses.
  if (method.size() > kMaxMethod || method == "CONNECT") return kMethodUnknown;
  return {};
}

}  // namespace sluice::http
