#include "proxy/route/preview.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "proxy/http/cookies.hpp"
#include "proxy/route/balance.hpp"

namespace sluice::route {
namespace {

constexpr std::string_view kVersion = "v1.";
constexpr std::size_t kLongest = 1024;  // of a token; longer ones are not worth a hash
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// RFC 4648 section 5, without padding: nothing that a header or a cookie would have to quote.
std::string base64url(std::string_view bytes) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char byte : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(byte);
    for (held += 8; held >= 6; held -= 6) out += kAlphabet[(bits >> (held - 6)) & 63];
  }
  if (held > 0) out += kAlphabet[(bits << (6 - held)) & 63];
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const auto digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>((bits >> held) & 255);
  }
  return out;
}

std::string signature(const PreviewKey& key, std::string_view text) {
  std::array<unsigned char, 32> mac{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size);
  return base64url({reinterpret_cast<const char*>(mac.data()), size});
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool can_serve(const Pool& pool) {
  const bool has_up = pool_has_up(pool);
  return std::any_of(pool.backends.begin(), pool.backends.end(),
                     [has_up](const Backend& backend) { return eligible(backend, has_up); });
}

}  // namespace

std::string mint_preview(const PreviewKey& key, std::string_view service, std::string_view pool,
                         std::int64_t expires) {
  std::string payload = std::to_string(expires);
  payload.append(1, '\0').append(service).append(1, '\0').append(pool);
  std::string token = std::string(kVersion) + base64url(payload);
  const std::string signed_by = signature(key, token);
  return token + "." + signed_by;
}

Token read_preview(const PreviewKey& key, std::string_view token, std::int64_t now) {
  const auto point = token.rfind('.');
  if (token.size() > kLongest || !token.starts_with(kVersion) || point < kVersion.size()) return {};
  if (!same(signature(key, token.substr(0, point)), token.substr(point + 1))) return {};
  const auto payload = from_base64url(token.substr(kVersion.size(), point - kVersion.size()));
  if (!payload) return {};
  Token read;
  const char* end = payload->data() + payload->size();
  const auto [at, error] = std::from_chars(payload->data(), end, read.expires);
  const std::string_view names(at, static_cast<std::size_t>(end - at));
  const auto second = names.find('\0', 1);
  if (error != std::errc() || names.empty() || names[0] != '\0' || second == std::string_view::npos)
    return {};
  read.service = names.substr(1, second - 1);
  read.pool = names.substr(second + 1);
  read.fault = now < read.expires ? TokenFault::none : TokenFault::expired;
  return read;
}

std::string_view preview_token(const http::RequestHead& head) {
  if (const auto* field = head.fields.find(kPreviewHeader)) return field->value;
  return http::cookie_value(head.fields, kPreviewCookie);
}

Preview preview_of(const PreviewKey& key, const Service& service, std::string_view token, std::int64_t now) {
  const Token read = read_preview(key, token, now);
  if (read.fault == TokenFault::invalid) return {-1, "not valid"};
  if (read.service != service.spec.name) return {-1, "for another service"};
  if (read.fault == TokenFault::expired) return {-1, "expired"};
  for (std::size_t i = 0; i < service.pools.size(); ++i) {
    if (service.pools[i].name != read.pool) continue;
    if (!can_serve(service.pools[i])) return {-1, "the pool cannot serve"};
    return {static_cast<int>(i), {}};
  }
  return {-1, "the pool is gone"};
}

}  // namespace sluice::route
