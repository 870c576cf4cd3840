// What of a block's form is told field by field (RFC 9113 8.2, 8.3): names and values are sound, pseudo
// fields come first and once each, nothing is said of the connection. Pure.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proxy/hpack/decoder.hpp"

namespace sluice::h2 {

constexpr unsigned bit(hpack::Pseudo which) { return 1u << static_cast<unsigned>(which); }

class FieldCheck {
 public:
  // The next field; it stands at `place` of its block.
  void take(const hpack::DecodedField& field, std::uint32_t place) {
    if (flaw_) return;
    if (field.form.flaw != hpack::Flaw::none) return take_flaw(field.form.flaw);
    if (field.form.pseudo != hpack::Pseudo::none) return take_pseudo(field.form.pseudo, place);
    regular_ = true;
    if (field.form.id != http::Header::other) take_known(field);
  }

  const char* flaw() const { return flaw_; }  // a literal: the first; null: there is none
  std::int64_t content_length() const { return content_length_; }  // -1: none is said
  unsigned pseudo_fields() const { return pseudo_fields_; }        // that came: a bit() each
  // Where one stands that came.
  std::uint32_t place_of(hpack::Pseudo which) const { return places_[static_cast<std::size_t>(which)]; }

 private:
  void take_flaw(hpack::Flaw flaw);
  void take_pseudo(hpack::Pseudo which, std::uint32_t place);
  void take_known(const hpack::DecodedField& field);

  const char* flaw_ = nullptr;
  std::int64_t content_length_ = -1;
  bool regular_ = false;  // a regular field has come
  std::uint8_t pseudo_fields_ = 0;
  std::uint8_t places_[static_cast<std::size_t>(hpack::Pseudo::unknown)] = {};
};

}  // namespace sluice::h2
