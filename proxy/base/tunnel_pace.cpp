#include "proxy/base/tunnel_pace.hpp"

#include <charconv>

namespace sluice {

namespace {
constexpr std::string_view kBefore = "paced:", kBehind = "/s";
}  // namespace

std::optional<std::uint32_t> parse_pace(std::string_view text) {
  if (!text.starts_with(kBefore) || !text.ends_with(kBehind)) return std::nullopt;
  text.remove_prefix(kBefore.size());
  if (text.size() <= kBehind.size()) return std::nullopt;
  text.remove_suffix(kBehind.size());
  std::uint32_t rate = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), rate);
  const bool whole = failure == std::errc() && stop == text.data() + text.size();
  if (!whole || rate == 0 || rate > kFastestPace) return std::nullopt;
  return rate;
}

std::string pace_text(std::uint32_t per_second) {
  return std::string(kBefore) + std::to_string(per_second) + std::string(kBehind);
}

}  // namespace sluice
