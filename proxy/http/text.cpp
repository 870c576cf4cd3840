#include "proxy/http/text.hpp"

#include <cstring>

namespace sluice::http::detail {
namespace {

template <class Letters>
bool same_at(const char* a, const char* b) {
  Letters x, y;
  std::memcpy(&x, a, sizeof x);
  std::memcpy(&y, b, sizeof y);
  return x == y || to_lower_all(x) == to_lower_all(y);
}

}  // namespace

// Letters at the end may be compared twice.
bool same_letters(const char* a, const char* b, std::size_t size) {
  if (size >= 8) {
    for (std::size_t at = 0; at + 8 < size; at += 8)
      if (!same_at<std::uint64_t>(a + at, b + at)) return false;
    return same_at<std::uint64_t>(a + size - 8, b + size - 8);
  }
  if (size >= 4) return same_at<std::uint32_t>(a, b) && same_at<std::uint32_t>(a + size - 4, b + size - 4);
  for (std::size_t at = 0; at < size; ++at)
    if (to_lower(a[at]) != to_lower(b[at])) return false;
  return true;
}

}  // namespace sluice::http::detail
