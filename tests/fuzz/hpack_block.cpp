// Blocks of fields under any bytes: they say what another decoder says that they do, however they are cut,
// and what was read is said again and read as the same.
#include <nghttp2/nghttp2.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/hpack/decoder.hpp"
#include "proxy/hpack/encoder.hpp"
#include "tests/fuzz/cuts.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {
namespace {

struct Told {
  std::vector<std::pair<std::string, std::string>> fields;
  bool flaw = false;
  bool operator==(const Told&) const = default;
};

Told read_block(hpack::Decoder& decoder, std::string_view block, const http1::testing::Cut& cut) {
  Told told;
  for (std::size_t at = 0; at < block.size() && !told.flaw;) {
    std::string_view piece = block.substr(at, cut(at));
    at += piece.size();
    for (hpack::DecodedField field;;) {
      const auto found = decoder.next(piece, field);
      told.flaw = found == hpack::Decoder::Found::flaw;
      if (found != hpack::Decoder::Found::field) break;
      const hpack::FieldForm form = hpack::form_of(field.name, field.value);
      require(form.id == field.form.id && form.pseudo == field.form.pseudo && form.flaw == field.form.flaw,
              "a field's form is what its text says");
      told.fields.emplace_back(field.name, field.value);
    }
  }
  if (!told.flaw) told.flaw = !decoder.end_block();
  return told;
}

class OtherDecoder {
 public:
  OtherDecoder() { nghttp2_hd_inflate_new(&inflater_); }
  OtherDecoder(const OtherDecoder&) = delete;
  OtherDecoder& operator=(const OtherDecoder&) = delete;
  ~OtherDecoder() { nghttp2_hd_inflate_del(inflater_); }

  Told read(std::string_view block) {
    Told told;
    const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
    const auto* const end = at + block.size();
    for (int flags = 0; !(flags & NGHTTP2_HD_INFLATE_FINAL);) {
      nghttp2_nv field;
      const auto taken =
          nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, static_cast<std::size_t>(end - at), 1);
      told.flaw = taken < 0;
      if (told.flaw) return told;
      at += taken;
      if (flags & NGHTTP2_HD_INFLATE_EMIT)
        told.fields.emplace_back(std::string(reinterpret_cast<char*>(field.name), field.namelen),
                                 std::string(reinterpret_cast<char*>(field.value), field.valuelen));
    }
    nghttp2_hd_inflate_end_headers(inflater_);
    return told;
  }

 private:
  nghttp2_hd_inflater* inflater_ = nullptr;
};

std::string say(hpack::Encoder& encoder, const Told& told) {
  std::size_t bound = hpack::kBlockStart;
  for (const auto& [name, value] : told.fields) bound += hpack::encoded_bound(name.size() + value.size(), 1);
  std::string block(bound, '\0');
  char* at = encoder.begin_block(block.data());
  for (const auto& [name, value] : told.fields) at = encoder.put(name, value, false, at);
  require(at <= block.data() + bound, "a block is as long as is said");
  block.resize(static_cast<std::size_t>(at - block.data()));
  return block;
}

}  // namespace

// A byte says how long the next block is; its highest bit, that the table's size changes before what is said
// again.
void hpack_block(std::string_view bytes) {
  hpack::Decoder whole, cut, again;
  OtherDecoder other;
  hpack::Encoder plain(hpack::Strings::plain), huffman(hpack::Strings::huffman);
  OtherDecoder of_plain;
  const auto in_one = [](std::size_t) { return std::string_view::npos; };
  while (!bytes.empty()) {
    const auto head = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    const std::string_view block = bytes.substr(0, (head & 0x7f) * 4u);
    bytes.remove_prefix(block.size());
    const Told told = read_block(whole, block, in_one);
    require(told == read_block(cut, block, cut_of(block)), "cuts do not matter");
    require(told == other.read(block), "another decoder reads the same");
    if (told.flaw) return;
    if (head & 0x80) {
      plain.set_table_size(head % 7 * 60u);
      huffman.set_table_size(head % 5 * 900u);
    }
    require(told == of_plain.read(say(plain, told)), "what is said is what was read");
    require(told == read_block(again, say(huffman, told), in_one), "and so it is in Huffman's code");
  }
}

}  // namespace sluice::fuzz
