#include "proxy/hpack/field_form.hpp"

#include <array>
#include <cstddef>

#include "proxy/http/runs.hpp"
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
  if (http::is_blank(value.front()) || http::is_blank(value.back())) return false;
  const char* const end = value.data() + value.size();
  const char* at = http::skip<http::TextBytes>(value.data(), end);
  while (at != end && *at == '\t') at = http::skip<http::TextBytes>(at + 1, end);
  return at == end;
}

}  // namespace sluice::hpack
