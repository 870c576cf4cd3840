// Names of fields as HTTP/2 has them (RFC 9113 8.2). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "proxy/http/text.hpp"

namespace sluice::h2 {
namespace detail {

template <class Letters>
void lower_at(const char* from, char* to) {
  Letters letters;
  std::memcpy(&letters, from, sizeof letters);
  letters = static_cast<Letters>(http::to_lower_all(letters));
  std::memcpy(to, &letters, sizeof letters);
}

}  // namespace detail

// Letters at the end may be made lower twice.
inline void lower(std::string_view name, char* to) {
  const char* const from = name.data();
  const std::size_t size = name.size();
  if (size >= 8) {
    for (std::size_t at = 0; at + 8 < size; at += 8) detail::lower_at<std::uint64_t>(from + at, to + at);
    detail::lower_at<std::uint64_t>(from + size - 8, to + size - 8);
  } else if (size >= 4) {
    detail::lower_at<std::uint32_t>(from, to);
    detail::lower_at<std::uint32_t>(from + size - 4, to + size - 4);
  } else {
    for (std::size_t at = 0; at < size; ++at) to[at] = http::to_lower(from[at]);
  }
}

}  // namespace sluice::h2
