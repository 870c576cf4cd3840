#include "control/io/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <string>

namespace sluice::io {
namespace {

constexpr std::chrono::seconds kMost = std::chrono::hours(24 * 7);

std::optional<std::int64_t> read_date(const std::string& text) {
  std::tm parts{};
  const char* const read = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (!read || *read != '\0') return std::nullopt;
  return static_cast<std::int64_t>(::timegm(&parts));
}

}  // namespace

std::optional<std::chrono::seconds> read_retry_after(std::string_view text, std::int64_t now) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc::invalid_argument && stop == end) {
    const bool is_less = failure == std::errc() && number < static_cast<std::uint64_t>(kMost.count());
    return is_less ? std::chrono::seconds(number) : kMost;
  }
  const auto date = read_date(std::string(text));
  if (!date) return std::nullopt;
  return std::chrono::seconds(std::clamp<std::int64_t>(*date - now, 0, kMost.count()));
}

}  // namespace sluice::io
