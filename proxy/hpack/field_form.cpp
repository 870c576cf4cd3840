#include "proxy/hpack/field_form.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#include "proxy/http/text.hpp"

namespace sluice::hpack {
namespace {

constexpr auto kNameChars = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c)
    table[static_cast<std::size_t>(c)] = http::is_token_char(static_cast<char>(c)) && !(c >= 'A' && c <= 'Z');
  return table;
}();

bool is_name(std::string_view name) {
  for (char c : name)
    if (!kNameChars[static_cast<unsigned char>(c)]) return false;
  return !name.empty();
}

// Eight bytes without controls and DEL: most values are looked at so.
bool is_plain(const char* eight) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  std::uint64_t bytes;
  std::memcpy(&bytes, eight, sizeof bytes);
  const std::uint64_t below_space = (bytes - 0x20 * kOnes) & ~bytes;
  const std::uint64_t del = bytes ^ (0x7f * kOnes);
  return ((below_space | ((del - kOnes) & ~del)) & kHigh) == 0;
}

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

Pseudo pseudo_of(std::string_view name) {
  switch (name.size()) {
    case 5:
      return name == ":path" ? Pseudo::path : Pseudo::unknown;
    case 7:
      if (name == ":method") return Pseudo::method;
      if (name == ":scheme") return Pseudo::scheme;
      return name == ":status" ? Pseudo::status : Pseudo::unknown;
    case 9:
      return name == ":protocol" ? Pseudo::protocol : Pseudo::unknown;
    case 10:
      return name == ":authority" ? Pseudo::authority : Pseudo::unknown;
    default:
      return Pseudo::unknown;
  }
}

}  // namespace

FieldForm form_of(std::string_view name) {
  FieldForm form;
  if (name.starts_with(':'))
    form.pseudo = pseudo_of(name);
  else if (is_name(name))
    form.id = http::header_id(name);
  else
    form.flaw = Flaw::name;
  return form;
}

bool is_value(std::string_view value) {
  if (value.empty()) return true;
  if (is_blank(value.front()) || is_blank(value.back())) return false;
  std::size_t at = 0;
  while (value.size() - at >= 8 && is_plain(value.data() + at)) at += 8;
  for (; at < value.size(); ++at)
    if (!http::is_text_char(value[at])) return false;
  return true;
}

}  // namespace sluice::hpack
