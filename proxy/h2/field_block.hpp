// A decoded block of fields (a head's or trailers') as the peer sent it, in order. Owns its text. Pure; its
// storage comes from the thread's lists of frames, so that a block costs no allocation in a steady state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::h2 {

// Views into a block stay valid until the block is released, or until something is added to it.
class FieldBlock {
 public:
  struct Field {
    std::string_view name, value;
  };

  FieldBlock() = default;
  FieldBlock(const FieldBlock&) = delete;
  FieldBlock& operator=(const FieldBlock&) = delete;
  ~FieldBlock();
  static void* operator new(std::size_t size);
  static void operator delete(void* block, std::size_t size) noexcept;

  std::size_t size() const { return count_; }
  Field operator[](std::size_t i) const {
    const Entry& e = entries()[i];
    return {{text_ + e.offset, e.name_size}, {text_ + e.offset + e.name_size, e.value_size}};
  }
  // More than may be kept was sent: what is here is its beginning. The answer to it is 431.
  bool too_large() const { return too_large_; }

  // The list size of RFC 9113 6.5.2 may be `max_list` at most, the fields `max_fields`; what is more is left
  // out and makes the block too_large().
  void add(std::string_view name, std::string_view value, std::uint32_t max_list, std::uint32_t max_fields);
  // Room in the block for a text of that size that is made of its fields; null when there is none to be had.
  // Moves no view: the room has been kept by reserve().
  char* scratch(std::size_t size);
  // Makes room for scratch(). Views are void afterwards.
  void reserve(std::size_t size);

  FieldBlock* next = nullptr;  // of the same stream, or of the free ones: the owner's list

 private:
  struct Entry {
    std::uint32_t offset;
    std::uint32_t name_size, value_size;
  };
  static constexpr std::size_t kInside = 24;  // entries without storage of their own

  Entry* entries() { return more_ ? more_ : inside_; }
  const Entry* entries() const { return more_ ? more_ : inside_; }
  void grow_text(std::size_t size);
  void grow_entries();

  char* text_ = nullptr;
  std::uint32_t text_size_ = 0, text_room_ = 0;
  std::uint32_t list_size_ = 0;
  std::uint32_t count_ = 0, entry_room_ = kInside;
  bool too_large_ = false;
  Entry* more_ = nullptr;
  Entry inside_[kInside];
};

}  // namespace sluice::h2
