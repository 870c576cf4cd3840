// How the parts of fields are found again. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sluice::hpack {

template <class Number>
inline std::uint64_t load(const char* at) {
  Number bytes;
  std::memcpy(&bytes, at, sizeof bytes);
  return bytes;
}

// Of the size and at most 16 bytes, those at the ends: as cheap for long texts as for short ones.
inline std::uint64_t hash(std::string_view text, std::uint64_t seed) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  std::uint64_t mixed = seed ^ text.size();
  if (text.size() >= 8) {
    mixed = (mixed ^ load<std::uint64_t>(begin)) * kOdd ^ load<std::uint64_t>(end - 8);
  } else if (text.size() >= 4) {
    mixed ^= load<std::uint32_t>(begin) << 32 ^ load<std::uint32_t>(end - 4) << 8;
  } else if (!text.empty()) {
    mixed ^= static_cast<std::uint64_t>(static_cast<unsigned char>(*begin)) << 40 ^
             static_cast<std::uint64_t>(static_cast<unsigned char>(begin[text.size() / 2])) << 24 ^
             static_cast<std::uint64_t>(static_cast<unsigned char>(end[-1])) << 8;
  }
  mixed *= kOdd;
  return mixed ^ mixed >> 32;
}

// As ==, without a call.
inline bool same(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const char *const x = a.data(), *const y = b.data();
  const std::size_t size = a.size();
  if (size < 4) {
    for (std::size_t i = 0; i < size; ++i)
      if (x[i] != y[i]) return false;
    return true;
  }
  if (size < 8)
    return load<std::uint32_t>(x) == load<std::uint32_t>(y) &&
           load<std::uint32_t>(x + size - 4) == load<std::uint32_t>(y + size - 4);
  for (std::size_t at = 0; at + 8 < size; at += 8)
    if (load<std::uint64_t>(x + at) != load<std::uint64_t>(y + at)) return false;
  return load<std::uint64_t>(x + size - 8) == load<std::uint64_t>(y + size - 8);
}

}  // namespace sluice::hpack
