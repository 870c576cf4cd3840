#include "proxy/h2/field_check.hpp"

#include "proxy/http/text.hpp"

namespace sluice::h2 {
namespace {

using http::Header;

// RFC 9113 8.2.2.
bool is_connection_specific(const hpack::DecodedField& field) {
  const Header id = field.form.id;
  if (id == Header::te) return !http::iequals(field.value, "trailers");
  if (id == Header::hop_by_hop) return field.name == "proxy-connection";
  return id == Header::connection || id == Header::keep_alive || id == Header::transfer_encoding ||
         id == Header::upgrade;
}

}  // namespace

const char* FieldCheck::flaw() const {
  switch (flaw_) {
    case Flaw::none:
      return nullptr;
    case Flaw::name:
      return "field name";
    case Flaw::value:
      return "field value";
    case Flaw::pseudo:
      return "pseudo field";
    case Flaw::connection:
      return "connection-specific field";
    case Flaw::length:
      return "content-length";
  }
  return nullptr;
}

// A regular field that the proxy knows.
void FieldCheck::take_known(const hpack::DecodedField& field, std::uint32_t place) {
  if (field.form.id == Header::content_length) {
    if (has_length()) flaw_ = Flaw::length;
    length_place_ = static_cast<std::uint8_t>(place + 1);
  } else if (is_connection_specific(field)) {
    flaw_ = Flaw::connection;
  }
}

}  // namespace sluice::h2
