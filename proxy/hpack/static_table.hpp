// HPACK's static table (RFC 7541 Appendix A). Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/hpack/field_form.hpp"

namespace sluice::hpack {

struct StaticField {
  std::string_view name, value;
  FieldForm form;
};

constexpr std::uint32_t kStaticFields = 61;

// Index 1 stands first.
std::span<const StaticField, kStaticFields> static_fields();

}  // namespace sluice::hpack
