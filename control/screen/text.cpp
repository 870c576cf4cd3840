#include "control/screen/text.hpp"

#include <algorithm>
#include <cstdint>

namespace sluice::screen {

namespace {

struct Character {
  std::uint32_t code = 0xFFFD;
  std::size_t bytes = 1;
  bool valid = false;
};

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
Character character_at(std::string_view text) {
  const auto byte = [&text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < bytes) return {};
  std::uint32_t code = first & (0x7Fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[bytes] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return {};
  return {code, bytes, true};
}

struct Range {
  std::uint32_t first, last;
};
// The blocks of Unicode's EastAsianWidth.txt whose characters are wide, and emoji.
constexpr Range kWide[] = {{0x1100, 0x115F},  {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xA960, 0xA97F},
                           {0xAC00, 0xD7A3},  {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
                           {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1FAFF},
                           {0x20000, 0x3FFFD}};
constexpr Range kNoWidth[] = {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};

template <std::size_t N>
bool is_in(const Range (&ranges)[N], std::uint32_t code) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [code](const Range& range) { return range.first <= code && code <= range.last; });
}

std::size_t columns_of(std::uint32_t code) {
  if (code < 0x300) return 1;
  return is_in(kNoWidth, code) ? 0 : is_in(kWide, code) ? 2 : 1;
}

bool is_control(std::uint32_t code) { return code < 0x20 || (code >= 0x7F && code < 0xA0); }

}  // namespace

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    std::size_t bytes = 0;
    if (text.front() == '\x1b') {
      bytes = std::min(text.find('m'), text.size() - 1) + 1;
    } else {
      const auto next = character_at(text);
      bytes = next.bytes;
      width += columns_of(next.code);
    }
    text.remove_prefix(bytes);
  }
  return width;
}

std::string clipped(std::string_view text, std::size_t columns, std::string_view mark) {
  if (width_of(text) <= columns) return std::string(text);
  const std::size_t for_mark = width_of(mark);
  if (for_mark > columns) return std::string(columns, '.');
  std::size_t taken = 0, at = 0;
  while (at < text.size()) {
    const auto next = character_at(text.substr(at));
    if (taken + columns_of(next.code) > columns - for_mark) break;
    taken += columns_of(next.code);
    at += next.bytes;
  }
  return std::string(text.substr(0, at)) + std::string(mark);
}

std::string printable(std::string_view text, bool utf8) {
  std::string out;
  while (!text.empty()) {
    const auto next = character_at(text);
    const bool shown = next.valid && !is_control(next.code) && (utf8 || next.code < 0x80);
    out += shown ? std::string(text.substr(0, next.bytes)) : "?";
    text.remove_prefix(next.bytes);
  }
  return out;
}

}  // namespace sluice::screen
