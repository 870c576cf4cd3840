#include "proxy/hpack/encoder.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "proxy/base/copy_text.hpp"
#include "proxy/base/frames.hpp"
#include "proxy/hpack/huffman.hpp"
#include "proxy/hpack/static_table.hpp"

namespace sluice::hpack {
namespace {

constexpr std::size_t kShortCookie = 20;  // so short a secret could be guessed by the table's answers (7.1)

Learn learn_of(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 3:
      return name == "age" ? Learn::no : Learn::yes;
    case 4:
      return name == "etag" ? Learn::no : Learn::yes;
    case 5:
      return name == ":path" ? Learn::no : Learn::yes;
    case 6:
      return name == "cookie" && value.size() < kShortCookie ? Learn::never : Learn::yes;
    case 8:
      return name == "location" ? Learn::no : Learn::yes;
    case 10:
      return name == "set-cookie" ? Learn::no : Learn::yes;
    case 11:
      return name == "traceparent" ? Learn::never : Learn::yes;
    case 12:
      if (name == "x-request-id") return Learn::never;
      return name == "grpc-timeout" ? Learn::no : Learn::yes;
    case 13:
      if (name == "authorization") return Learn::never;
      return name == "if-none-match" ? Learn::no : Learn::yes;
    case 14:
      return name == "content-length" ? Learn::no : Learn::yes;
    case 17:
      return name == "if-modified-since" ? Learn::no : Learn::yes;
    case 19:
      return name == "proxy-authorization" ? Learn::never : Learn::yes;
    default:
      return Learn::yes;
  }
}

constexpr std::size_t kPlaces = 128;  // as many as a table has fields
constexpr std::size_t place_of(std::uint64_t hash) { return hash % kPlaces; }

// RFC 7541 5.1; `pattern` stands in the first byte, above its `bits`.
char* put_number(std::uint32_t number, int bits, std::uint32_t pattern, char* to) {
  const std::uint32_t most = (1u << bits) - 1;
  if (number < most) {
    *to++ = static_cast<char>(pattern | number);
    return to;
  }
  *to++ = static_cast<char>(pattern | most);
  for (number -= most; number >= 0x80; number >>= 7) *to++ = static_cast<char>(number | 0x80);
  *to++ = static_cast<char>(number);
  return to;
}

}  // namespace

struct Encoder::Places {
  std::array<std::uint32_t, kPlaces> names{}, fields{};  // numbers of the table's
};

Encoder::~Encoder() {
  if (places_) free_frame(places_, sizeof(Places));
}

void Encoder::set_table_size(std::uint32_t bytes) {
  size_ = std::min(bytes, Table::kMost);
  smallest_ = std::min(smallest_, size_);
  size_changed_ = true;
}

// The peer must hear of the smallest size that there was meanwhile, and of the last (RFC 7541 4.2).
char* Encoder::begin_block(char* to) {
  if (!size_changed_) return to;
  table_.set_limit(smallest_);
  to = put_number(smallest_, 5, 0x20, to);
  if (size_ != smallest_) to = put_number(size_, 5, 0x20, to);
  table_.set_limit(size_);
  smallest_ = size_;
  size_changed_ = false;
  return to;
}

// What the table holds, which most fields are, is said without a call.
char* Encoder::put(std::string_view name, std::string_view value, bool never, char* to) {
  const std::uint64_t name_hash = hash(name, 0), field_hash = hash(value, name_hash);
  if (places_ && !never) {
    const std::uint32_t number = places_->fields[place_of(field_hash)];
    if (table_.holds(number) && table_.is(number, name, value))
      return put_number(kStaticFields + 1 + table_.newest() - number, 7, 0x80, to);
  }
  return put_other({name, value, name_hash, field_hash}, never, to);
}

char* Encoder::put_other(const Hashed& field, bool never, char* to) {
  const auto& [name, value, name_hash, field_hash] = field;
  if (never) return put_literal(Learn::never, index_of(name, name_hash), name, value, to);
  if (const std::uint32_t index = static_table.find(name, value, field_hash))
    return put_number(index, 7, 0x80, to);

  Learn learn = learn_of(name, value);
  if (learn == Learn::yes && name.size() + value.size() > table_.limit() / 2) learn = Learn::no;
  to = put_literal(learn, index_of(name, name_hash), name, value, to);
  if (learn == Learn::yes) keep(name, value, place_of(name_hash), place_of(field_hash));
  return to;
}

// Of a field with the name; 0: there is none.
std::uint32_t Encoder::index_of(std::string_view name, std::uint64_t name_hash) const {
  if (const std::uint32_t index = static_table.find(name, name_hash)) return index;
  if (!places_) return 0;
  const std::uint32_t number = places_->names[place_of(name_hash)];
  const bool found = table_.holds(number) && same(table_.name(number), name);
  return found ? kStaticFields + 1 + table_.newest() - number : 0;
}

char* Encoder::put_literal(Learn learn, std::uint32_t name_index, std::string_view name,
                           std::string_view value, char* to) const {
  if (learn == Learn::yes)
    to = put_number(name_index, 6, 0x40, to);
  else
    to = put_number(name_index, 4, learn == Learn::never ? 0x10 : 0, to);
  if (name_index == 0) to = put_string(name, to);
  return put_string(value, to);
}

char* Encoder::put_string(std::string_view text, char* to) const {
  if (strings_ == Strings::huffman) {
    const std::size_t size = huffman_size(text);
    if (size < text.size())
      return huffman_encode(text, put_number(static_cast<std::uint32_t>(size), 7, 0x80, to));
  }
  return copy_text(text, put_number(static_cast<std::uint32_t>(text.size()), 7, 0, to));
}

void Encoder::keep(std::string_view name, std::string_view value, std::size_t name_place,
                   std::size_t field_place) {
  table_.add(name, value, {});
  if (table_.size() == 0) return;  // it was too large
  if (!places_) places_ = new (allocate_frame(sizeof(Places))) Places;
  places_->names[name_place] = places_->fields[field_place] = table_.newest();
}

}  // namespace sluice::hpack
