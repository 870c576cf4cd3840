// Blocks as they are read and said, each beside nghttp2's.
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "proxy/hpack/decoder.hpp"
#include "proxy/hpack/encoder.hpp"
#include "proxy/hpack/static_table.hpp"

namespace sluice::hpack {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string bytes(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

// A flaw is the field "?".
Fields read(Decoder& decoder, std::string_view block, std::size_t at_once = 100000) {
  Fields fields;
  while (!block.empty()) {
    std::string_view piece = block.substr(0, at_once);
    block.remove_prefix(piece.size());
    for (DecodedField field;;) {
      const auto found = decoder.next(piece, field);
      if (found == Decoder::Found::flaw) return {{"?", ""}};
      if (found == Decoder::Found::nothing) break;
      fields.emplace_back(field.name, field.value);
    }
  }
  return decoder.end_block() ? fields : Fields{{"?", ""}};
}
Fields read(std::string_view block) {
  Decoder decoder;
  return read(decoder, block);
}
const Fields kFlaw = {{"?", ""}};

std::string say(Encoder& encoder, const Fields& fields) {
  std::size_t bound = kBlockStart;
  for (const auto& [name, value] : fields) bound += encoded_bound(name.size() + value.size(), 1);
  std::string block(bound, '\0');
  char* at = encoder.begin_block(block.data());
  for (const auto& [name, value] : fields) at = encoder.put(name, value, false, at);
  EXPECT_LE(at, block.data() + bound);
  block.resize(static_cast<std::size_t>(at - block.data()));
  return block;
}

TEST(HpackBlocks, TheExamplesOfTheRfc) {
  const Fields first = {
      {":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "www.example.com"}};
  Fields second = first;
  second.emplace_back("cache-control", "no-cache");
  const Fields third = {{":method", "GET"},
                        {":scheme", "https"},
                        {":path", "/index.html"},
                        {":authority", "www.example.com"},
                        {"custom-key", "custom-value"}};
  for (const std::size_t at_once : {100000, 1, 3}) {
    Decoder plain, huffman;
    EXPECT_EQ(read(plain, bytes("828684410f7777772e6578616d706c652e636f6d"), at_once), first);
    EXPECT_EQ(read(plain, bytes("828684be58086e6f2d6361636865"), at_once), second);
    EXPECT_EQ(read(plain, bytes("828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565"), at_once),
              third);
    EXPECT_EQ(read(huffman, bytes("828684418cf1e3c2e5f23a6ba0ab90f4ff"), at_once), first);
    EXPECT_EQ(read(huffman, bytes("828684be5886a8eb10649cbf"), at_once), second);
    EXPECT_EQ(read(huffman, bytes("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"), at_once), third);
  }
  Encoder encoder(Strings::huffman);
  EXPECT_EQ(say(encoder, first), bytes("828684418cf1e3c2e5f23a6ba0ab90f4ff"));
  EXPECT_EQ(say(encoder, second), bytes("828684be5886a8eb10649cbf"));
  EXPECT_EQ(say(encoder, third), bytes("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"));
}

TEST(HpackBlocks, WhatIsNoBlock) {
  EXPECT_EQ(read(bytes("80")), kFlaw);              // index 0
  EXPECT_EQ(read(bytes("be")), kFlaw);              // of an empty table
  EXPECT_EQ(read(bytes("7e0161")), kFlaw);          // a name's
  EXPECT_EQ(read(bytes("ffffffffff7f")), kFlaw);    // beyond all tables
  EXPECT_EQ(read(bytes("ff8080808080")), kFlaw);    // a number that does not end
  EXPECT_EQ(read(bytes("3fe21f")), kFlaw);          // a table above 4096
  EXPECT_EQ(read(bytes("8220")), kFlaw);            // its size behind a field
  EXPECT_EQ(read(bytes("0001")), kFlaw);            // a part
  EXPECT_EQ(read(bytes("000161")), kFlaw);          // a name alone
  EXPECT_EQ(read(bytes("00016181ff")), kFlaw);      // no Huffman code
  EXPECT_EQ(read(bytes("0001617f828004")), kFlaw);  // a value of 64 KiB and 1
  EXPECT_EQ(read(bytes("203fe11f82")), (Fields{{":method", "GET"}}));
}

TEST(HpackBlocks, FormsStandWithTheFields) {
  Decoder decoder;
  const std::string said = bytes("4001580179") + bytes("400376696103780a78");
  // The same by indices: a name in upper case, a value with a control character, and `:path`.
  for (const std::string& block : {said + bytes("84"), bytes("bfbe84")}) {
    std::string_view piece = block;
    DecodedField field;
    ASSERT_EQ(decoder.next(piece, field), Decoder::Found::field);
    EXPECT_EQ(field.form.flaw, Flaw::name);
    ASSERT_EQ(decoder.next(piece, field), Decoder::Found::field);
    EXPECT_EQ(field.form.id, http::Header::via);
    EXPECT_EQ(field.form.flaw, Flaw::value);
    ASSERT_EQ(decoder.next(piece, field), Decoder::Found::field);
    EXPECT_EQ(field.form.pseudo, Pseudo::path);
    ASSERT_EQ(decoder.next(piece, field), Decoder::Found::nothing);
    EXPECT_TRUE(decoder.end_block());
  }
}

// How a field is said: 0 by an index, else the bits that say what the tables make of it.
int kind(const std::string& block) {
  const auto first = static_cast<unsigned char>(block.at(0));
  return first & 0x80 ? 0 : first & 0x40 ? 0x40 : first & 0xf0;
}

TEST(HpackBlocks, SecretsStayOutOfTheTables) {
  const auto kinds = [](const char* name, const std::string& value) {
    Encoder encoder(Strings::plain);
    const int first = kind(say(encoder, {{name, value}}));
    return std::pair(first, kind(say(encoder, {{name, value}})));
  };
  const std::pair never(0x10, 0x10), no(0, 0), yes(0x40, 0);
  EXPECT_EQ(kinds("authorization", "x"), never);
  EXPECT_EQ(kinds("proxy-authorization", "x"), never);
  EXPECT_EQ(kinds("cookie", "short"), never);
  EXPECT_EQ(kinds("x-request-id", "1"), never);
  EXPECT_EQ(kinds("traceparent", "1"), never);
  EXPECT_EQ(kinds("cookie", std::string(40, 'c')), yes);
  EXPECT_EQ(kinds("a", "b"), yes);
  EXPECT_EQ(kinds("content-length", "17"), no);
  EXPECT_EQ(kinds("a", std::string(3000, 'c')), no);
}

// RFC 7541 6.2.3.
TEST(HpackBlocks, WhatIsNeverIndexedStaysSo) {
  Decoder decoder;
  for (const auto& [block, never] :
       {std::pair("1001610162", true), {"0001610162", false}, {"4001610162", false}}) {
    const std::string said = bytes(block);
    std::string_view piece = said;
    DecodedField field;
    ASSERT_EQ(decoder.next(piece, field), Decoder::Found::field);
    EXPECT_EQ(field.form.never_indexed, never) << block;
    EXPECT_TRUE(decoder.end_block());
  }
  Encoder encoder(Strings::plain);
  say(encoder, {{"a", "b"}});
  std::string again(encoded_bound(2, 1), '\0');
  char* const end = encoder.put("a", "b", true, again.data());
  EXPECT_EQ(again.substr(0, static_cast<std::size_t>(end - again.data())), bytes("1f2f0162"))
      << "though a table has it";
}

TEST(HpackBlocks, ThePeerHearsOfTheSmallestTable) {
  Encoder encoder(Strings::plain);
  Decoder decoder;
  const Fields fields = {{"a", "b"}, {"c", "d"}};
  EXPECT_EQ(read(decoder, say(encoder, fields)), fields);
  encoder.set_table_size(0);
  encoder.set_table_size(5000);
  const std::string block = say(encoder, fields);
  EXPECT_EQ(block.substr(0, 4), bytes("203fe11f"));
  EXPECT_EQ(read(decoder, block), fields);
  EXPECT_EQ(say(encoder, fields), bytes("bfbe"));
  encoder.set_table_size(40);
  EXPECT_EQ(read(decoder, say(encoder, fields)), fields);
}

TEST(HpackBlocks, EveryFieldOfTheStaticTableIsFound) {
  for (std::uint32_t index = 1; index <= kStaticFields; ++index) {
    const StaticField& field = static_table[index];
    Encoder encoder(Strings::plain);
    const auto first = [&](const char* value) {
      return static_cast<unsigned char>(say(encoder, {{std::string(field.name), value}})[0]);
    };
    if (!field.value.empty()) {
      EXPECT_EQ(first(std::string(field.value).c_str()), 0x80u | index);
    }
    EXPECT_EQ(read(say(encoder, {{std::string(field.name), "!"}})), (Fields{{std::string(field.name), "!"}}));
    EXPECT_LE(say(encoder, {{std::string(field.name), "?"}}).size(), 4u) << field.name;
  }
}

class Other {
 public:
  Other() {
    nghttp2_hd_inflate_new(&inflater_);
    nghttp2_hd_deflate_new(&deflater_, 4096);
  }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;
  ~Other() {
    nghttp2_hd_inflate_del(inflater_);
    nghttp2_hd_deflate_del(deflater_);
  }
  Fields read(const std::string& block) {
    Fields fields;
    const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
    std::size_t left = block.size();
    for (int flags = 0; !(flags & NGHTTP2_HD_INFLATE_FINAL);) {
      nghttp2_nv field;
      const auto taken = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
      if (taken < 0) return kFlaw;
      at += taken;
      left -= static_cast<std::size_t>(taken);
      if (flags & NGHTTP2_HD_INFLATE_EMIT)
        fields.emplace_back(std::string(reinterpret_cast<char*>(field.name), field.namelen),
                            std::string(reinterpret_cast<char*>(field.value), field.valuelen));
    }
    nghttp2_hd_inflate_end_headers(inflater_);
    return fields;
  }
  std::string say(const Fields& fields) {
    std::vector<nghttp2_nv> list;
    const auto raw = [](const std::string& s) {
      return reinterpret_cast<std::uint8_t*>(const_cast<char*>(s.data()));
    };
    for (const auto& [name, value] : fields)
      list.push_back({raw(name), raw(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    std::string block(nghttp2_hd_deflate_bound(deflater_, list.data(), list.size()), '\0');
    const auto size = nghttp2_hd_deflate_hd(deflater_, raw(block), block.size(), list.data(), list.size());
    block.resize(static_cast<std::size_t>(size));
    return block;
  }
  void set_table_size(std::uint32_t bytes) { nghttp2_hd_deflate_change_table_size(deflater_, bytes); }

 private:
  nghttp2_hd_inflater* inflater_ = nullptr;
  nghttp2_hd_deflater* deflater_ = nullptr;
};

class Heads {
 public:
  Fields next() {
    Fields fields;
    for (std::size_t i = random_() % 20; i > 0; --i) fields.emplace_back(name(), value());
    return fields;
  }
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_()) % n; }

 private:
  std::string name() {
    if (below(2)) return std::string(static_table[1 + below(kStaticFields)].name);
    return std::string(1 + below(3), static_cast<char>('a' + below(5)));
  }
  std::string value() {
    std::string value(below(8) ? below(20) : below(300), 'x');
    for (char& c : value) c = static_cast<char>(below(4) ? 'a' + below(3) : below(256));
    return value;
  }
  std::minstd_rand random_{9113};
};

TEST(HpackBlocks, ItAgreesWithAnother) {
  Heads heads;
  for (int connection = 0; connection < 40; ++connection) {
    Other other;
    Encoder encoder(connection % 2 ? Strings::plain : Strings::huffman);
    Decoder decoder;
    for (int i = 0; i < 200; ++i) {
      if (heads.below(30) == 0) {
        const std::uint32_t size = heads.below(4097);
        encoder.set_table_size(size);
        other.set_table_size(size);
      }
      const Fields fields = heads.next();
      ASSERT_EQ(other.read(say(encoder, fields)), fields);
      ASSERT_EQ(read(decoder, other.say(fields), 1 + heads.below(50)), fields);
    }
  }
}

}  // namespace
}  // namespace sluice::hpack
