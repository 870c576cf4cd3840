#include "proxy/h2/field_check.hpp"

#include <limits>

#include "proxy/http/text.hpp"

namespace sluice::h2 {
namespace {

using http::Header;

constexpr std::uint64_t kMaxLength = std::numeric_limits<std::int64_t>::max();

// RFC 9113 8.2.2.
bool is_connection_specific(const hpack::DecodedField& field) {
  const Header id = field.form.id;
  if (id == Header::te) return !http::iequals(field.value, "trailers");
  if (id == Header::hop_by_hop) return field.name == "proxy-connection";
  return id == Header::connection || id == Header::keep_alive || id == Header::transfer_encoding ||
         id == Header::upgrade;
}

}  // namespace

void FieldCheck::take_flaw(hpack::Flaw flaw) {
  flaw_ = flaw == hpack::Flaw::name ? "field name" : "field value";
}

// At most as many come as there are.
void FieldCheck::take_pseudo(hpack::Pseudo which, std::uint32_t place) {
  if (regular_ || which == hpack::Pseudo::unknown || (pseudo_fields_ & bit(which))) {
    flaw_ = "pseudo field";
    return;
  }
  pseudo_fields_ |= static_cast<std::uint8_t>(bit(which));
  places_[static_cast<std::size_t>(which)] = static_cast<std::uint8_t>(place);
}

// A regular field that the proxy knows.
void FieldCheck::take_known(const hpack::DecodedField& field) {
  if (is_connection_specific(field)) {
    flaw_ = "connection-specific field";
    return;
  }
  if (field.form.id != Header::content_length) return;
  std::uint64_t length = 0;
  if (content_length_ >= 0 || !http::parse_decimal(field.value, kMaxLength, length)) {
    flaw_ = "content-length";
    return;
  }
  content_length_ = static_cast<std::int64_t>(length);
}

}  // namespace sluice::h2
