#include "proxy/hpack/table.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

#include "proxy/base/copy_text.hpp"
#include "proxy/base/frames.hpp"

namespace sluice::hpack {
namespace {

constexpr std::uint32_t kFirstText = 256, kFirstEntries = 8;

}  // namespace

Table::~Table() {
  if (text_) free_frame(text_, text_room_);
  if (entries_) free_frame(entries_, entry_room_ * sizeof(Entry));
}

void Table::set_limit(std::uint32_t bytes) {
  assert(bytes <= kMost);
  limit_ = bytes;
  evict_to(limit_);
}

void Table::evict_to(std::uint32_t bytes) {
  while (used_ > bytes) used_ -= counted(entry(first_++));
}

void Table::add(std::string_view name, std::string_view value, FieldForm form) {
  const std::size_t size = name.size() + value.size() + kOverhead;
  if (size > limit_) return evict_to(0);
  // The text is written before any other leaves: it may be another's.
  put_text(name, value);
  const Entry added{base_ + text_end_ - static_cast<std::uint32_t>(name.size() + value.size()),
                    static_cast<std::uint16_t>(name.size()), static_cast<std::uint16_t>(value.size()), form};
  evict_to(limit_ - static_cast<std::uint32_t>(size));
  if (this->size() == entry_room_) grow_entries();
  entry(next_++) = added;
  used_ += static_cast<std::uint32_t>(size);
}

// At the end. Where there is no room the fields that are left move to a place that has it.
void Table::put_text(std::string_view name, std::string_view value) {
  const auto added = static_cast<std::uint32_t>(name.size() + value.size());
  if (text_room_ - text_end_ < added) {
    const std::uint32_t begin = text_begin(), kept = text_end_ - begin;
    const std::uint32_t room = std::max(kFirstText, std::bit_ceil((kept + added) * 3 / 2));
    char* const moved = static_cast<char*>(allocate_frame(room));
    copy_text({text_ + begin, kept}, moved);
    copy_text(value, copy_text(name, moved + kept));
    if (text_) free_frame(text_, text_room_);
    text_ = moved;
    text_room_ = room;
    text_end_ = kept + added;
    base_ += begin;
    return;
  }
  copy_text(value, copy_text(name, text_ + text_end_));
  text_end_ += added;
}

void Table::grow_entries() {
  const std::uint32_t room = entry_room_ ? entry_room_ * 2 : kFirstEntries;
  assert(room <= kMostEntries);
  auto* const larger = static_cast<Entry*>(allocate_frame(room * sizeof(Entry)));
  for (std::uint32_t i = first_; i != next_; ++i) larger[i & (room - 1)] = entry(i);
  if (entries_) free_frame(entries_, entry_room_ * sizeof(Entry));
  entries_ = larger;
  entry_room_ = room;
}

}  // namespace sluice::hpack
