#include "proxy/h2/field_list.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "proxy/base/copy_text.hpp"
#include "proxy/h2/lower_case.hpp"

namespace sluice::h2 {

void FieldList::clear() { size_ = count_ = 0; }

void FieldList::grow(std::size_t size) {
  constexpr std::size_t kFirst = 1024;
  const std::size_t room = std::max({kFirst, room_ * 2, size_ + size});
  std::unique_ptr<char[]> larger(new char[room]);
  std::copy_n(text_.get(), size_, larger.get());
  text_ = std::move(larger);
  room_ = room;
}

void FieldList::field(std::string_view name, std::string_view value) {
  reserve(name.size() + value.size());
  put_name(name);
  copy_text(value, text_.get() + size_);
  size_ += value.size();
  entries_[count_++].value_size = static_cast<std::uint32_t>(value.size());
}

void FieldList::field(std::string_view name, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  field(name, std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

void FieldList::pass(const http::Field& passed) {
  if (passed.is_joined)
    copy({passed.name.data(), passed.name.size() + passed.value.size()}, passed.name.size());
  else
    field(passed.name, passed.value);
  entries_[count_ - 1].form.never_indexed = passed.never_indexed;
}

// A name in lower case, the value behind it.
void FieldList::copy(std::string_view text, std::size_t name_size) {
  assert(count_ < kMost);
  reserve(text.size());
  copy_text(text, text_.get() + size_);
  const std::size_t value_size = text.size() - name_size;
  entries_[count_++] = {static_cast<std::uint32_t>(size_), static_cast<std::uint32_t>(name_size),
                        static_cast<std::uint32_t>(value_size), hpack::FieldForm()};
  size_ += text.size();
}

void FieldList::begin(std::string_view name) {
  reserve(name.size());
  put_name(name);
}

// Requires: there is room.
void FieldList::put_name(std::string_view name) {
  assert(count_ < kMost);
  FieldEntry& entry = entries_[count_];
  entry.offset = static_cast<std::uint32_t>(size_);
  entry.name_size = static_cast<std::uint32_t>(name.size());
  entry.form.never_indexed = false;
  lower(name, text_.get() + size_);
  size_ += name.size();
}

void FieldList::put_text(std::string_view text) {
  reserve(text.size());
  copy_text(text, text_.get() + size_);
  size_ += text.size();
}

void FieldList::end() {
  FieldEntry& entry = entries_[count_++];
  entry.value_size = static_cast<std::uint32_t>(size_) - entry.offset - entry.name_size;
}

}  // namespace sluice::h2
