// S8: preview tokens. A token names a service, a pool and when it ends, signed with a key that only the
// daemon has; a request that carries one goes to that pool. Pure: key and time are arguments.
//
//   v1.BASE64URL(expiry 0x00 service 0x00 pool).BASE64URL(HMAC-SHA256 of all before the last point)
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/http/message.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::route {

inline constexpr std::string_view kPreviewHeader = "X-Sluice-Preview";
inline constexpr std::string_view kPreviewCookie = "sluice_preview";

// `expires` in Unix seconds. Requires: names without a zero byte.
std::string mint_preview(const PreviewKey& key, std::string_view service, std::string_view pool,
                         std::int64_t expires);

enum class TokenFault : std::uint8_t { none, invalid, expired };
struct Token {
  TokenFault fault = TokenFault::invalid;
  std::string service, pool;  // unless invalid
  std::int64_t expires = 0;
};
Token read_preview(const PreviewKey& key, std::string_view token, std::int64_t now);

// The token that a request carries: in the header, else in the cookie; empty when there is none.
std::string_view preview_token(const http::RequestHead& head);

// What a token does to a request of `service`: it goes to `pool`, or the token is ignored for a reason that
// the answer tells.
struct Preview {
  int pool = -1;
  std::string_view ignored;  // "expired"; empty when it is followed
};
Preview preview_of(const PreviewKey& key, const Service& service, std::string_view token, std::int64_t now);

}  // namespace sluice::route
