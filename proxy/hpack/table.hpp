// HPACK's dynamic table (RFC 7541 2.3.2, 4): the fields that were said last, the oldest of which leave when
// the room is used up. Its storage comes from the thread's lists of frames, none before the first field.
// Worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/hpack/field_form.hpp"
#include "proxy/hpack/field_hash.hpp"

namespace sluice::hpack {

class Table {
 public:
  static constexpr std::uint32_t kMost = 4096;  // bytes; what both sides begin with (RFC 9113 6.5.2)

  Table() = default;
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  ~Table();

  // At most kMost.
  void set_limit(std::uint32_t bytes);
  std::uint32_t limit() const { return limit_; }
  // `name` and `value` may lie in this table. A field that is larger than the limit only empties it.
  void add(std::string_view name, std::string_view value, FieldForm form);

  std::uint32_t size() const { return next_ - first_; }
  // Fields are known by their numbers, which rise with each that is added; they wrap.
  std::uint32_t newest() const { return next_ - 1; }
  bool holds(std::uint32_t number) const { return number - first_ < size(); }
  // Requires: the table holds it. Valid until something is added.
  std::string_view name(std::uint32_t number) const {
    const Entry& e = entry(number);
    return {text_ + (e.at - base_), e.name_size};
  }
  std::string_view value(std::uint32_t number) const {
    const Entry& e = entry(number);
    return {text_ + (e.at - base_) + e.name_size, e.value_size};
  }
  FieldForm form(std::uint32_t number) const { return entry(number).form; }
  // Whether it is that field.
  bool is(std::uint32_t number, std::string_view name, std::string_view value) const {
    const Entry& e = entry(number);
    if (e.name_size != name.size() || e.value_size != value.size()) return false;
    const char* const text = text_ + (e.at - base_);
    const std::size_t size = name.size() + value.size();
    if (name.data() + name.size() == value.data()) return same({text, size}, {name.data(), size});
    return same({text + name.size(), value.size()}, value) && same({text, name.size()}, name);
  }

 private:
  struct Entry {
    std::uint32_t at;  // where the name begins, counted from the first that there ever was; the value follows
    std::uint16_t name_size, value_size;
    FieldForm form;
  };
  static constexpr std::uint32_t kOverhead = 32;  // of a field (RFC 7541 4.1)
  static constexpr std::uint32_t kMostEntries = kMost / kOverhead;

  static std::uint32_t counted(const Entry& e) { return e.name_size + e.value_size + kOverhead; }
  Entry& entry(std::uint32_t number) const { return entries_[number & (entry_room_ - 1)]; }
  void evict_to(std::uint32_t bytes);
  std::uint32_t text_begin() const { return size() ? entry(first_).at - base_ : text_end_; }
  void put_text(std::string_view name, std::string_view value);
  void grow_entries();

  char* text_ = nullptr;
  std::uint32_t base_ = 0;  // what `at` of text_[0] is
  std::uint32_t text_end_ = 0, text_room_ = 0;
  Entry* entries_ = nullptr;
  std::uint32_t entry_room_ = 0;  // a power of 2
  std::uint32_t first_ = 0, next_ = 0;
  std::uint32_t used_ = 0, limit_ = kMost;
};

}  // namespace sluice::hpack
