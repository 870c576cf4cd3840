#include "proxy/h2/field_block.hpp"

#include <algorithm>

#include "proxy/base/copy_text.hpp"
#include "proxy/base/frames.hpp"

namespace sluice::h2 {
namespace {

constexpr std::uint32_t kEntryOverhead = 32;  // RFC 9113 6.5.2
constexpr std::size_t kFirstText = 192;
constexpr std::uint32_t kFirstEntries = 16;

// A name and its value together: most have so many bytes that two moves which overlap hold them. Not in
// copy_text(), which HTTP/1 has in places that must stay small.
void copy_both(std::string_view both, char* to) {
  if (both.size() >= 16 && both.size() <= 32)
    detail::copy_ends<16>(both.data(), both.size(), to);
  else
    copy_text(both, to);
}

}  // namespace

FieldBlock::~FieldBlock() {
  held_ -= text_room_ + entry_room_ * sizeof(FieldEntry);
  if (text_) free_frame(text_, text_room_);
  if (entries_) free_frame(entries_, entry_room_ * sizeof(FieldEntry));
}

void* FieldBlock::operator new(std::size_t size) { return allocate_frame(size); }
void FieldBlock::operator delete(void* block, std::size_t size) noexcept { free_frame(block, size); }

void FieldBlock::add(const hpack::DecodedField& field, std::uint32_t most_bytes, std::uint32_t most_fields) {
  const std::size_t size = field.name.size() + field.value.size(), counted = size + kEntryOverhead;
  const bool pseudo = field.form.pseudo != hpack::Pseudo::none;
  if (too_large_ || counted > most_bytes - list_size_ || (!pseudo && regular_ == most_fields)) {
    too_large_ = true;
    return;
  }
  if (!pseudo) ++regular_;
  if (field.form.id == http::Header::cookie) ++cookies_;
  list_size_ += static_cast<std::uint32_t>(counted);
  check_.take(field, count_);
  if (count_ == entry_room_) grow_entries(entry_room_ == 0 ? kFirstEntries : entry_room_ * 2);
  char* const begin = extend(size);
  // Those of a table stand one behind the other.
  if (field.name.data() + field.name.size() == field.value.data())
    copy_both({field.name.data(), size}, begin);
  else
    copy_text(field.value, copy_text(field.name, begin));
  entries_[count_++] = {static_cast<std::uint32_t>(begin - text_),
                        static_cast<std::uint32_t>(field.name.size()),
                        static_cast<std::uint32_t>(field.value.size()), field.form};
}

void FieldBlock::join_cookies() {
  if (cookies_ < 2) return;
  const auto is_cookie = [](const FieldEntry& e) { return e.form.id == http::Header::cookie; };
  FieldEntry* const end = entries_ + count_;
  FieldEntry* const first = std::find_if(entries_, end, is_cookie);

  std::size_t size = first->name_size;
  for (const FieldEntry* e = first; e != end; ++e)
    if (is_cookie(*e)) size += e->value_size + 2;
  char* const begin = extend(size);
  char* at = copy_text({text_ + first->offset, first->name_size}, begin);
  for (const FieldEntry* e = first; e != end; ++e) {
    if (!is_cookie(*e) || e->value_size == 0) continue;  // no separator at an end: that would be malformed
    if (at != begin + first->name_size) at = copy_text("; ", at);
    at = copy_text({text_ + e->offset + e->name_size, e->value_size}, at);
  }
  first->offset = static_cast<std::uint32_t>(begin - text_);
  first->value_size = static_cast<std::uint32_t>(at - begin) - first->name_size;
  count_ = static_cast<std::uint32_t>(std::remove_if(first + 1, end, is_cookie) - entries_);
}

void FieldBlock::grow_text(std::size_t size) {
  const std::size_t room = std::max({kFirstText, std::size_t{text_room_} * 2, text_size_ + size});
  char* const larger = static_cast<char*>(allocate_frame(room));
  copy_text({text_, text_size_}, larger);
  if (text_) free_frame(text_, text_room_);
  held_ += room - text_room_;
  text_ = larger;
  text_room_ = static_cast<std::uint32_t>(room);
}

void FieldBlock::forget_fields() {
  if (!entries_) return;
  free_frame(entries_, entry_room_ * sizeof(FieldEntry));
  held_ -= entry_room_ * sizeof(FieldEntry);
  entries_ = nullptr;
  count_ = entry_room_ = 0;
}

void FieldBlock::grow_entries(std::uint32_t room) {
  auto* const larger = static_cast<FieldEntry*>(allocate_frame(room * sizeof(FieldEntry)));
  if (entries_) {
    std::copy(entries_, entries_ + count_, larger);
    free_frame(entries_, entry_room_ * sizeof(FieldEntry));
  }
  held_ += (room - entry_room_) * sizeof(FieldEntry);
  entries_ = larger;
  entry_room_ = room;
}

}  // namespace sluice::h2
