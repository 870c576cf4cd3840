// Reads blocks of fields (RFC 7541 3, 6). One a connection: it remembers what went before. Worker only.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/hpack/field_form.hpp"
#include "proxy/hpack/table.hpp"

namespace sluice::hpack {

struct DecodedField {
  std::string_view name, value;
  FieldForm form;
};

class Decoder {
 public:
  static constexpr std::uint32_t kMostString = 64 * 1024;  // bytes of a name or a value as they come

  enum class Found : std::uint8_t { field, nothing, flaw };

  // The next field of a block that comes in pieces; what it is made of leaves `piece`. Valid until the next
  // call. `nothing`: the piece is used up. After a flaw (RFC 7541 2.3.3, 4.2, 5.1, 5.2, 6.1) the decoder is
  // of no use.
  Found next(std::string_view& piece, DecodedField& field) {
    if (piece.empty() || !rest_.empty()) return next_of_any(piece, field);
    const auto first = static_cast<unsigned char>(piece.front());
    if (first < 0x80 || first == 0xff) return next_of_any(piece, field);
    piece.remove_prefix(1);  // most fields are an index of one byte
    at_begin_ = false;
    return look_up(first & 0x7f, field) ? Found::field : Found::flaw;
  }
  // Behind the last piece. False: the block is not whole.
  bool end_block();

 private:
  // What could be read of the bytes at hand.
  enum class Read : std::uint8_t { whole, part, flaw };
  struct String {
    std::string_view bytes;
    bool huffman = false;
  };
  class Input;

  Found next_of_any(std::string_view& piece, DecodedField& field);
  Found take(std::string_view& bytes, DecodedField& field);
  Read read(Input& in, DecodedField& field);
  Read read_indexed(Input& in, DecodedField& field);
  Read read_literal(Input& in, bool keep, bool never, DecodedField& field);
  Read read_size(Input& in);
  static Read read_string(Input& in, String& out);
  bool look_up(std::uint32_t index, DecodedField& field) const;
  bool decode(const String& string, std::string_view& text);

  Table table_;
  Buffer rest_;           // of the pieces: the begin of a field
  Buffer decoded_;        // a name and a value that came in Huffman's code
  bool at_begin_ = true;  // of a block: there the table's size may change
};

}  // namespace sluice::hpack
