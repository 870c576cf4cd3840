// What one field is and whether its form is sound, whatever stands beside it (RFC 9113 8.2, 8.3). HPACK's
// tables keep it with their entries, so that it is found once for a field that comes with every request.
// Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/http/names.hpp"

namespace sluice::hpack {

enum class Pseudo : std::uint8_t { none, method, scheme, path, authority, protocol, status, unknown };

enum class Flaw : std::uint8_t { none, name, value };

struct FieldForm {
  http::Header id = http::Header::other;
  Pseudo pseudo = Pseudo::none;
  Flaw flaw = Flaw::none;
  bool never_indexed = false;  // by the peer's word (RFC 7541 6.2.3)
};

// What the name alone says.
FieldForm form_of(std::string_view name);
// No control characters but HTAB, no blank at either end (RFC 9113 8.2.1).
bool is_value(std::string_view value);

// The same with another value.
inline FieldForm with_value(FieldForm form, std::string_view value) {
  if (form.flaw != Flaw::name) form.flaw = is_value(value) ? Flaw::none : Flaw::value;
  return form;
}
inline FieldForm form_of(std::string_view name, std::string_view value) {
  return with_value(form_of(name), value);
}

}  // namespace sluice::hpack
