#include "proxy/h2/field_block.hpp"

#include <algorithm>
#include <cstring>

#include "proxy/base/frames.hpp"
#include "proxy/h2/field_list.hpp"

namespace sluice::h2 {
namespace {

constexpr std::uint32_t kEntryOverhead = 32;  // RFC 9113 6.5.2
constexpr std::size_t kFirstText = 256;
constexpr std::uint32_t kFirstEntries = 16;

// An empty part may be a null view.
char* copy_text(std::string_view part, char* to) {
  if (!part.empty()) std::memcpy(to, part.data(), part.size());
  return to + part.size();
}

}  // namespace

FieldBlock::~FieldBlock() {
  held_ -= text_room_ + entry_room_ * sizeof(Entry);
  if (text_) free_frame(text_, text_room_);
  if (entries_) free_frame(entries_, entry_room_ * sizeof(Entry));
}

void* FieldBlock::operator new(std::size_t size) { return allocate_frame(size); }
void FieldBlock::operator delete(void* block, std::size_t size) noexcept { free_frame(block, size); }

void FieldBlock::add(std::string_view name, std::string_view value, std::uint32_t most_bytes,
                     std::uint32_t most_fields) {
  const std::size_t counted = name.size() + value.size() + kEntryOverhead;
  const bool pseudo = name.starts_with(':');
  if (too_large_ || counted > most_bytes - list_size_ || (!pseudo && regular_ == most_fields)) {
    too_large_ = true;
    return;
  }
  if (!pseudo) ++regular_;
  list_size_ += static_cast<std::uint32_t>(counted);
  if (count_ == entry_room_) grow_entries(entry_room_ == 0 ? kFirstEntries : entry_room_ * 2);
  char* const begin = extend(name.size() + value.size());
  copy_text(value, copy_text(name, begin));
  entries_[count_++] = {static_cast<std::uint32_t>(begin - text_), static_cast<std::uint32_t>(name.size()),
                        static_cast<std::uint32_t>(value.size()), http::Header::other};
}

void FieldBlock::copy(const FieldList& list) {
  copy_text(list.text(), extend(list.text().size()));
  grow_entries(std::max(kFirstEntries, static_cast<std::uint32_t>(list.size())));
  const char* const begin = list.text().data();
  for (; count_ < list.size(); ++count_) {
    const FieldList::Field field = list[count_];
    entries_[count_] = {static_cast<std::uint32_t>(field.name.data() - begin),
                        static_cast<std::uint32_t>(field.name.size()),
                        static_cast<std::uint32_t>(field.value.size()), http::Header::other};
  }
}

void FieldBlock::join_cookies() {
  const auto is_cookie = [](const Entry& e) { return e.id == http::Header::cookie; };
  Entry* const end = entries_ + count_;
  Entry* const first = std::find_if(entries_, end, is_cookie);
  if (first == end || std::find_if(first + 1, end, is_cookie) == end) return;

  std::size_t size = first->name_size;
  for (const Entry* e = first; e != end; ++e)
    if (is_cookie(*e)) size += e->value_size + 2;
  char* const begin = extend(size);
  char* at = copy_text({text_ + first->offset, first->name_size}, begin);
  for (const Entry* e = first; e != end; ++e) {
    if (!is_cookie(*e) || e->value_size == 0) continue;  // no separator at an end: that would be malformed
    if (at != begin + first->name_size) at = copy_text("; ", at);
    at = copy_text({text_ + e->offset + e->name_size, e->value_size}, at);
  }
  first->offset = static_cast<std::uint32_t>(begin - text_);
  first->value_size = static_cast<std::uint32_t>(at - begin) - first->name_size;
  count_ = static_cast<std::uint32_t>(std::remove_if(first + 1, end, is_cookie) - entries_);
}

// Room at the end of the text.
char* FieldBlock::extend(std::size_t size) {
  if (text_room_ - text_size_ < size) {
    const std::size_t room = std::max({kFirstText, text_room_ * 2, text_size_ + size});
    char* const larger = static_cast<char*>(allocate_frame(room));
    copy_text({text_, text_size_}, larger);
    if (text_) free_frame(text_, text_room_);
    held_ += room - text_room_;
    text_ = larger;
    text_room_ = room;
  }
  char* const begin = text_ + text_size_;
  text_size_ += size;
  return begin;
}

void FieldBlock::grow_entries(std::uint32_t room) {
  auto* const larger = static_cast<Entry*>(allocate_frame(room * sizeof(Entry)));
  std::copy(entries_, entries_ + count_, larger);
  if (entries_) free_frame(entries_, entry_room_ * sizeof(Entry));
  held_ += (room - entry_room_) * sizeof(Entry);
  entries_ = larger;
  entry_room_ = room;
}

}  // namespace sluice::h2
