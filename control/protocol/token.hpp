// Bearer tokens of the admin API, as the daemon keeps them and `sluicectl token` makes them.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace sluice::protocol {

// SHA-256 of a token. Tokens are random, so that neither salt nor a slow hash is needed (NIST SP
// 800-63B 5.1.2).
using TokenDigest = std::array<unsigned char, 32>;
TokenDigest digest_of(std::string_view token);
std::string hex_of(const TokenDigest& digest);
inline constexpr std::string_view kTokenHash = "sha256:";  // stands before the digest in a token file

// A new one, of 192 random bits; empty when the system has no randomness.
std::string make_token();

}  // namespace sluice::protocol
