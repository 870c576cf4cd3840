// Bytes, tokens and lists of RFC 9110 5.6, as tables and loops without state. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace sluice::http {

namespace detail {

constexpr bool is_alnum(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr auto token_table() {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c) table[c] = is_alnum(static_cast<unsigned char>(c));
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}

constexpr auto lower_table() {
  std::array<char, 256> table{};
  for (int c = 0; c < 256; ++c) table[c] = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return table;
}

constexpr auto kToken = token_table();
constexpr auto kLower = lower_table();

}  // namespace detail

constexpr bool is_token_char(char c) { return detail::kToken[static_cast<unsigned char>(c)]; }
constexpr char to_lower(char c) { return detail::kLower[static_cast<unsigned char>(c)]; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
// What a field value, reason phrase or quoted string may hold: VCHAR, obs-text, SP and HTAB.
constexpr bool is_text_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

constexpr bool is_token(std::string_view text) {
  for (char c : text)
    if (!is_token_char(c)) return false;
  return !text.empty();
}

// Of eight letters at once, or of fewer, as to_lower() of one.
constexpr std::uint64_t to_lower_all(std::uint64_t eight) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  const std::uint64_t low_bits = eight & ~kHigh;
  const std::uint64_t from_a = low_bits + (0x80 - 'A') * kOnes;
  const std::uint64_t beyond_z = low_bits + (0x80 - 'Z' - 1) * kOnes;
  return eight | ((from_a & ~beyond_z & ~eight & kHigh) >> 2);
}

namespace detail {
bool same_letters(const char* a, const char* b, std::size_t size);
}  // namespace detail

constexpr bool iequals(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  if (!std::is_constant_evaluated()) return detail::same_letters(a.data(), b.data(), a.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  return true;
}

// Without optional whitespace (SP and HTAB, nothing else: obs-text stays).
constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the first member off a comma-separated list and returns it trimmed; it is empty for an empty member.
constexpr std::string_view take_member(std::string_view& list) {
  const auto comma = list.find(',');
  const auto member = trim(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  return member;
}

constexpr bool has_member(std::string_view list, std::string_view member) {
  while (!list.empty())
    if (iequals(take_member(list), member)) return true;
  return false;
}

// `digits` as a number up to `max`, which is below 10^19; false when it is empty, holds anything but digits
// or is larger.
constexpr bool parse_decimal(std::string_view digits, std::uint64_t max, std::uint64_t& value) {
  constexpr std::size_t kAlwaysFit = 19;  // digits
  if (digits.empty()) return false;
  while (digits.size() > kAlwaysFit && digits.front() == '0') digits.remove_prefix(1);
  std::uint64_t result = 0;
  for (char c : digits.substr(0, kAlwaysFit)) {
    const auto digit = static_cast<unsigned char>(c - '0');
    if (digit > 9) return false;
    result = result * 10 + digit;
  }
  if (digits.size() > kAlwaysFit || result > max) return false;
  value = result;
  return true;
}

}  // namespace sluice::http
