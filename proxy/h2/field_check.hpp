// What of a block's form is told field by field (RFC 9113 8.2, 8.3): names and values are sound, pseudo
// fields come first and once each, nothing is said of the connection. As small as can be: every open stream
// has one. Pure.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proxy/hpack/decoder.hpp"

namespace sluice::h2 {

constexpr unsigned bit(hpack::Pseudo which) { return 1u << static_cast<unsigned>(which); }

class FieldCheck {
 public:
  // The next field; it stands at `place` of its block, of which there are less than 255.
  void take(const hpack::DecodedField& field, std::uint32_t place) {
    if (flaw_ != Flaw::none) return;
    if (field.form.flaw != hpack::Flaw::none)
      flaw_ = field.form.flaw == hpack::Flaw::name ? Flaw::name : Flaw::value;
    else if (field.form.pseudo != hpack::Pseudo::none)
      take_pseudo(field.form.pseudo);
    else
      take_regular(field, place);
  }

  const char* flaw() const;                                     // a literal: the first; null: there is none
  unsigned pseudo_fields() const { return came_ & ~kRegular; }  // that came: a bit() each
  std::size_t length_at() const { return length_place_ - 1u; }  // the place of content-length
  bool has_length() const { return length_place_ > 0; }

 private:
  enum class Flaw : std::uint8_t { none, name, value, pseudo, connection, length };
  static constexpr unsigned kRegular =
      bit(hpack::Pseudo::none);  // stands for those that are no pseudo fields

  void take_pseudo(hpack::Pseudo which) {
    const bool sound = which != hpack::Pseudo::unknown && !(came_ & (bit(which) | kRegular));
    if (!sound) flaw_ = Flaw::pseudo;
    came_ |= static_cast<std::uint8_t>(bit(which));
  }
  void take_regular(const hpack::DecodedField& field, std::uint32_t place) {
    came_ |= static_cast<std::uint8_t>(kRegular);
    if (field.form.id != http::Header::other) take_known(field, place);
  }
  void take_known(const hpack::DecodedField& field, std::uint32_t place);

  Flaw flaw_ = Flaw::none;
  std::uint8_t came_ = 0;
  std::uint8_t length_place_ = 0;  // of content-length, and 1; 0: it did not come
};

}  // namespace sluice::h2
