// A decoded block of fields (a head's or trailers') as the peer sent it, in order. Owns its text. Its storage
// comes from the thread's lists of frames, so that a block costs no allocation in a steady state. Worker
// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/http/message.hpp"

namespace sluice::h2 {

class FieldList;

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
    const Entry& e = entries_[i];
    return {{text_ + e.offset, e.name_size}, {text_ + e.offset + e.name_size, e.value_size}, e.id};
  }
  void set_id(std::size_t i, http::Header id) { entries_[i].id = id; }

  // The size of the list as RFC 9113 6.5.2 counts it may be `most_bytes`, the regular fields `most_fields`;
  // what is more is left out, and the block is too_large().
  void add(std::string_view name, std::string_view value, std::uint32_t most_bytes,
           std::uint32_t most_fields);
  // The same fields. Requires: the block is empty.
  void copy(const FieldList& list);
  bool too_large() const { return too_large_; }
  void cut_off() { too_large_ = true; }  // nothing more is kept

  // Cookie fields become one, in the place of the first, those that are not empty joined by `; ` (RFC 9113
  // 8.2.3).
  // Requires: ids are set.
  void join_cookies();

  FieldBlock* next = nullptr;  // for whoever owns several

 private:
  struct Entry {
    std::uint32_t offset;  // of the name; the value stands behind it
    std::uint32_t name_size, value_size;
    http::Header id;
  };

  char* extend(std::size_t size);
  void grow_entries(std::uint32_t room);

  std::size_t& held_;
  char* text_ = nullptr;
  std::size_t text_size_ = 0, text_room_ = 0;
  Entry* entries_ = nullptr;
  std::uint32_t count_ = 0, entry_room_ = 0;
  std::uint32_t regular_ = 0, list_size_ = 0;
  bool too_large_ = false;
};

}  // namespace sluice::h2
