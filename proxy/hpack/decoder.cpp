#include "proxy/hpack/decoder.hpp"

#include "proxy/hpack/huffman.hpp"
#include "proxy/hpack/static_table.hpp"

namespace sluice::hpack {

// Bytes of which a field is read.
class Decoder::Input {
 public:
  explicit Input(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}
  bool empty() const { return at_ == end_; }
  std::size_t size() const { return static_cast<std::size_t>(end_ - at_); }
  const char* at() const { return at_; }
  unsigned char front() const { return static_cast<unsigned char>(*at_); }
  std::string_view take(std::size_t n) {
    const std::string_view taken(at_, n);
    at_ += n;
    return taken;
  }

  // An integer whose first byte has `bits` of it (RFC 7541 5.1). A flaw: it is above 2^28.
  Read number(int bits, std::uint32_t& out) {
    if (empty()) return Read::part;
    const std::uint32_t most = (1u << bits) - 1;
    out = front() & most;
    ++at_;
    if (out < most) return Read::whole;
    for (int shift = 0; !empty(); shift += 7) {
      const std::uint32_t byte = front();
      ++at_;
      if (shift > 21 && (byte & 0x7f) != 0) return Read::flaw;
      if (shift <= 21) out += (byte & 0x7f) << shift;
      if (!(byte & 0x80)) return Read::whole;
      if (shift == 28) return Read::flaw;
    }
    return Read::part;
  }

 private:
  const char* at_;
  const char* end_;
};

Decoder::Found Decoder::next_of_any(std::string_view& piece, DecodedField& field) {
  if (rest_.empty()) {
    const Found found = take(piece, field);
    if (found == Found::nothing && !piece.empty()) {
      rest_.append(piece);
      piece = {};
    }
    return found;
  }
  rest_.append(piece);
  piece = {};
  std::string_view bytes = rest_.view();
  const Found found = take(bytes, field);
  rest_.skip(rest_.size() - bytes.size());  // the field may lie there
  if (rest_.empty()) rest_.clear();
  return found;
}

// What was read leaves `bytes`.
Decoder::Found Decoder::take(std::string_view& bytes, DecodedField& field) {
  while (!bytes.empty()) {
    Input in(bytes);
    const bool is_size = (in.front() & 0xe0) == 0x20;
    const Read what = is_size ? read_size(in) : read(in, field);
    if (what == Read::part) return Found::nothing;
    if (what == Read::flaw) return Found::flaw;
    bytes.remove_prefix(static_cast<std::size_t>(in.at() - bytes.data()));
    if (is_size) continue;
    at_begin_ = false;
    return Found::field;
  }
  return Found::nothing;
}

// The three kinds of literals differ in whether the table keeps them, and in the bits of the name's index.
Decoder::Read Decoder::read(Input& in, DecodedField& field) {
  if (in.front() & 0x80) return read_indexed(in, field);
  const bool keep = in.front() & 0x40, never = in.front() & 0x10;
  return read_literal(in, keep, !keep && never, field);
}

Decoder::Read Decoder::read_indexed(Input& in, DecodedField& field) {
  std::uint32_t index = 0;
  if (const Read what = in.number(7, index); what != Read::whole) return what;
  return look_up(index, field) ? Read::whole : Read::flaw;
}

Decoder::Read Decoder::read_literal(Input& in, bool keep, bool never, DecodedField& field) {
  std::uint32_t index = 0;
  if (const Read what = in.number(keep ? 6 : 4, index); what != Read::whole) return what;
  String name, value;
  if (index == 0)
    if (const Read what = read_string(in, name); what != Read::whole) return what;
  if (const Read what = read_string(in, value); what != Read::whole) return what;

  decoded_.clear();
  const std::size_t bound = huffman_decoded_bound(name.bytes.size() + value.bytes.size());
  if (name.huffman || value.huffman) decoded_.reserve(bound);
  if (index > 0) {
    if (!look_up(index, field)) return Read::flaw;
  } else {
    if (!decode(name, field.name)) return Read::flaw;
    field.form = form_of(field.name);
  }
  if (!decode(value, field.value)) return Read::flaw;
  field.form = with_value(field.form, field.value);
  field.form.never_indexed = never;
  if (!keep) return Read::whole;
  table_.add(field.name, field.value, field.form);
  if (table_.size() == 0) return Read::whole;
  // The name may have been in a place that is gone.
  field.name = table_.name(table_.newest());
  field.value = table_.value(table_.newest());
  return Read::whole;
}

// Only where a block begins (RFC 7541 4.2).
Decoder::Read Decoder::read_size(Input& in) {
  std::uint32_t bytes = 0;
  if (!at_begin_) return Read::flaw;
  if (const Read what = in.number(5, bytes); what != Read::whole) return what;
  if (bytes > Table::kMost) return Read::flaw;
  table_.set_limit(bytes);
  return Read::whole;
}

Decoder::Read Decoder::read_string(Input& in, String& out) {
  if (in.empty()) return Read::part;
  out.huffman = in.front() & 0x80;
  std::uint32_t size = 0;
  if (const Read what = in.number(7, size); what != Read::whole) return what;
  if (size > kMostString) return Read::flaw;
  if (in.size() < size) return Read::part;
  out.bytes = in.take(size);
  return Read::whole;
}

bool Decoder::look_up(std::uint32_t index, DecodedField& field) const {
  if (index == 0) return false;
  if (index <= kStaticFields) {
    const StaticField& found = static_table[index];
    field = {found.name, found.value, found.form};
    return true;
  }
  const std::uint32_t age = index - kStaticFields - 1;
  if (age >= table_.size()) return false;
  const std::uint32_t number = table_.newest() - age;
  field = {table_.name(number), table_.value(number), table_.form(number)};
  return true;
}

bool Decoder::decode(const String& string, std::string_view& text) {
  if (!string.huffman) return text = string.bytes, true;
  char* const begin = decoded_.room();
  char* const end = huffman_decode(string.bytes, begin);
  if (!end) return false;
  text = {begin, static_cast<std::size_t>(end - begin)};
  decoded_.commit(text.size());
  return true;
}

bool Decoder::end_block() {
  const bool whole = rest_.empty();
  at_begin_ = true;
  rest_.release();
  decoded_.release();
  return whole;
}

}  // namespace sluice::hpack
