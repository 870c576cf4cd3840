// A decoded block of fields (a head's or trailers') as the peer sent it, in order. Owns its text. Its storage
// comes from the thread's lists of frames, so that a block costs no allocation in a steady state. Worker
// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/h2/field_check.hpp"
#include "proxy/h2/field_span.hpp"
#include "proxy/hpack/decoder.hpp"
#include "proxy/http/message.hpp"

namespace sluice::h2 {

// Views into a block stay valid until it is released; add() and join_cookies() make them void.
class FieldBlock {
 public:
  // `held`: the storage of all blocks that share the count; it outlives them.
  explicit FieldBlock(std::size_t& held) : held_(held) {}
  FieldBlock(const FieldBlock&) = delete;
  FieldBlock& operator=(const FieldBlock&) = delete;
  ~FieldBlock();
  static void* operator new(std::size_t size);
  static void operator delete(void* block, std::size_t size) noexcept;

  std::size_t size() const { return count_; }
  http::Field operator[](std::size_t i) const {
    const FieldEntry& e = entries_[i];
    const char* const name = text_ + e.offset;
    return {{name, e.name_size}, {name + e.name_size, e.value_size}, e.form.id, false, true,
            e.form.never_indexed};
  }
  hpack::FieldForm form(std::size_t i) const { return entries_[i].form; }
  const FieldCheck& check() const { return check_; }

  // The size of the list as RFC 9113 6.5.2 counts it may be `most_bytes`, the regular fields `most_fields`;
  // what is more is left out, and the block is too_large().
  void add(const hpack::DecodedField& field, std::uint32_t most_bytes, std::uint32_t most_fields);
  // Keeps the text alone: views into it stay valid. Whoever has read the fields needs no more.
  void forget_fields();
  bool too_large() const { return too_large_; }
  void cut_off() { too_large_ = true; }  // nothing more is kept

  // Cookie fields become one, in the place of the first, those that are not empty joined by `; ` (RFC 9113
  // 8.2.3).
  void join_cookies();

  FieldBlock* next = nullptr;  // for whoever owns several

 private:
  // Room at the end of the text.
  char* extend(std::size_t size) {
    if (text_room_ - text_size_ < size) grow_text(size);
    char* const begin = text_ + text_size_;
    text_size_ += static_cast<std::uint32_t>(size);
    return begin;
  }
  void grow_text(std::size_t size);
  void grow_entries(std::uint32_t room);

  std::size_t& held_;
  char* text_ = nullptr;
  FieldEntry* entries_ = nullptr;
  std::uint32_t text_size_ = 0, text_room_ = 0;
  std::uint32_t count_ = 0, entry_room_ = 0;
  std::uint32_t regular_ = 0, list_size_ = 0;
  std::uint32_t cookies_ = 0;
  bool too_large_ = false;
  FieldCheck check_;
};
static_assert(sizeof(FieldBlock) <= 64);  // a line of the cache

}  // namespace sluice::h2
