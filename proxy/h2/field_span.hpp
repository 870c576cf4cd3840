// Where fields lie that stand one behind the other in one text. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/hpack/field_form.hpp"

namespace sluice::h2 {

struct FieldEntry {
  std::uint32_t offset;  // of the name; the value stands behind it
  std::uint32_t name_size, value_size;
  hpack::FieldForm form;  // of fields on their way out only whether they are never indexed
};

// Valid as long as what it looks at.
class FieldSpan {
 public:
  FieldSpan(std::string_view text, const FieldEntry* entries, std::size_t count)
      : text_(text), entries_(entries), count_(count) {}
  std::size_t size() const { return count_; }
  std::string_view text() const { return text_; }
  std::string_view name(std::size_t i) const {
    return {text_.data() + entries_[i].offset, entries_[i].name_size};
  }
  std::string_view value(std::size_t i) const {
    return {text_.data() + entries_[i].offset + entries_[i].name_size, entries_[i].value_size};
  }
  hpack::FieldForm form(std::size_t i) const { return entries_[i].form; }

 private:
  std::string_view text_;
  const FieldEntry* entries_;
  std::size_t count_;
};

}  // namespace sluice::h2
