// HPACK's static table (RFC 7541 Appendix A), and where a field stands in it. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/hpack/field_form.hpp"
#include "proxy/hpack/field_hash.hpp"

namespace sluice::hpack {

struct StaticField {
  std::string_view name, value;
  FieldForm form;
};

constexpr std::uint32_t kStaticFields = 61;

class StaticTable {
 public:
  StaticTable();
  // Requires: 1 <= index <= kStaticFields.
  const StaticField& operator[](std::uint32_t index) const { return fields_[index - 1]; }
  // Indices; 0: none. Of the fields with the name, the first.
  std::uint32_t find(std::string_view name, std::uint64_t hash) const {
    for (std::size_t at = place(hash); names_[at] > 0; at = (at + 1) % kRoom)
      if (same((*this)[names_[at]].name, name)) return names_[at];
    return 0;
  }
  std::uint32_t find(std::string_view name, std::string_view value, std::uint64_t hash) const {
    for (std::size_t at = place(hash); whole_[at] > 0; at = (at + 1) % kRoom) {
      const StaticField& field = (*this)[whole_[at]];
      if (same(field.value, value) && same(field.name, name)) return whole_[at];
    }
    return 0;
  }

 private:
  static constexpr std::size_t kRoom = 256;  // several times what there is: most looks find nothing
  using Places = std::array<std::uint8_t, kRoom>;

  static std::size_t place(std::uint64_t hash) { return hash >> 7 & (kRoom - 1); }
  static void put(Places& places, std::uint64_t hash, std::uint32_t index);

  std::array<StaticField, kStaticFields> fields_;
  Places names_{}, whole_{};  // indices by the hashes of names, and of names with values
};

// Made before main(): not to be used earlier.
extern const StaticTable static_table;

}  // namespace sluice::hpack
