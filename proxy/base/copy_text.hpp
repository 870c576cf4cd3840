// Text copied to where there is room for it. Pure.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

namespace sluice {
namespace detail {

// N to 2 * N bytes.
template <std::size_t N>
void copy_ends(const char* from, std::size_t size, char* to) {
  std::memcpy(to, from, N);
  std::memcpy(to + size - N, from + size - N, N);
}

}  // namespace detail

// Returns the end of what was written. An empty part may be a null view. Short ones are most of them: two
// moves that overlap cost less than a call.
inline char* copy_text(std::string_view part, char* to) {
  const char* const from = part.data();
  const std::size_t size = part.size();
  if (size > 32)
    std::memcpy(to, from, size);
  else if (size >= 16)
    detail::copy_ends<16>(from, size, to);
  else if (size >= 8)
    detail::copy_ends<8>(from, size, to);
  else if (size >= 4)
    detail::copy_ends<4>(from, size, to);
  else if (size > 0)
    to[0] = from[0], to[size / 2] = from[size / 2], to[size - 1] = from[size - 1];
  return to + size;
}

}  // namespace sluice
