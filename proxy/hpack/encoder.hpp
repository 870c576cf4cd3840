// Writes blocks of fields (RFC 7541 6). One a connection: it remembers what went before. Worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/hpack/table.hpp"

namespace sluice::hpack {

// Bytes that so many fields take at most: their strings as they are, of `text` bytes in all, and for each
// three numbers.
constexpr std::size_t encoded_bound(std::size_t text, std::size_t fields) { return text + fields * 16; }
// Bytes before the first field of a block, at most.
constexpr std::size_t kBlockStart = 8;

// Huffman's code pays where bytes are dearer than instructions.
enum class Strings : std::uint8_t { plain, huffman };

// Whether the tables learn a field that they do not hold.
enum class Learn : std::uint8_t {
  yes,
  no,     // it seldom comes twice
  never,  // nor may those behind the peer: it is secret, or made for this request (RFC 7541 7.1.3)
};

class Encoder {
 public:
  explicit Encoder(Strings strings) : strings_(strings) {}
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  ~Encoder();

  // The peer's SETTINGS_HEADER_TABLE_SIZE, in bytes. No more than Table::kMost is used.
  void set_table_size(std::uint32_t bytes);
  // Both write to where there is room as bounded above, and return the end of what they wrote.
  char* begin_block(char* to);
  // `never`: nobody's tables learn it, as its peer has asked for (RFC 7541 6.2.3).
  char* put(std::string_view name, std::string_view value, bool never, char* to);

 private:
  // Fields of the table by hashes of what they say; the newest of those that share a place. Whatever stands
  // there is compared before it is believed.
  struct Places;
  struct Hashed {
    std::string_view name, value;
    std::uint64_t name_hash, field_hash;
  };

  [[gnu::noinline]] char* put_other(const Hashed& field, bool never, char* to);
  std::uint32_t index_of(std::string_view name, std::uint64_t name_hash) const;
  char* put_literal(Learn learn, std::uint32_t name_index, std::string_view name, std::string_view value,
                    char* to) const;
  char* put_string(std::string_view text, char* to) const;
  void keep(std::string_view name, std::string_view value, std::size_t name_place, std::size_t field_place);

  Table table_;
  Places* places_ = nullptr;                                     // none before the first field is kept
  std::uint32_t size_ = Table::kMost, smallest_ = Table::kMost;  // of the table, not told the peer
  bool size_changed_ = false;
  const Strings strings_;
};

}  // namespace sluice::hpack
