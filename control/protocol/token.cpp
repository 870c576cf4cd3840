#include "control/protocol/token.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <new>

namespace sluice::protocol {
namespace {

std::string hex(const unsigned char* bytes, std::size_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

}  // namespace

TokenDigest digest_of(std::string_view token) {
  TokenDigest digest{};
  if (EVP_Digest(token.data(), token.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw std::bad_alloc();  // the only way that it fails
  return digest;
}

std::string hex_of(const TokenDigest& digest) { return hex(digest.data(), digest.size()); }

std::string make_token() {
  std::array<unsigned char, 24> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return {};
  return "sluice-" + hex(bytes.data(), bytes.size());
}

}  // namespace sluice::protocol
