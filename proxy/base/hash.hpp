// The one hash of the project. Its values are part of the product (S4, F1): users must stay in their pool
// over an upgrade, so the algorithm is frozen by the vectors in tests/unit/base/hash_test.cpp.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

// 64 bits of `tag`, `salt` and `key`. Separate decisions pass separate tags ("pool", "backend", "mirror",
// "flag"), so that being chosen by one says nothing about another (S7). Defined as XXH3-64 over
//   tag 0x00 le32(size of salt) salt key
// which no two different triples share (tags hold no zero byte).
std::uint64_t hash64(std::string_view tag, std::string_view salt, std::string_view key);

// `hash` scaled to [0, n) by the high half of a 128-bit product; no modulo bias worth naming (below n /
// 2^64).
inline std::uint32_t scale(std::uint64_t hash, std::uint32_t n) {
  return static_cast<std::uint32_t>((static_cast<unsigned __int128>(hash) * n) >> 64);
}

}  // namespace sluice
