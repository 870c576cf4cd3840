// What one field is and whether its form is sound, whatever stands beside it (RFC 9113 8.2, 8.3). HPACK's
// tables keep it with their entries, so that it is found once for a field that comes with every request.
// Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/http/names.hpp"

namespace sluice::hpack {

enum class Pseudo : std::uint8_t { none, method, scheme, path, authority, protocol, status, unknown };

struct FieldForm {
  http::Header id = http::Header::other;
  Pseudo pseudo = Pseudo::none;
  bool sound_name : 1 = true;
  bool sound_value : 1 = true;
  bool never_indexed : 1 = false;  // by the peer's word (RFC 7541 6.2.3)
};

// What the name alone says.
FieldForm form_of(std::string_view name);
// No control characters but HTAB, no blank at either end (RFC 9113 8.2.1).
bool is_value(std::string_view value);

inline FieldForm form_of(std::string_view name, std::string_view value) {
  FieldForm form = form_of(name);
  form.sound_value = is_value(value);
  return form;
}

}  // namespace sluice::hpack
