#include "proxy/hpack/huffman.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::hpack {
namespace {

std::string encode(std::string_view text) {
  std::string code(huffman_size(text), '\0');
  EXPECT_EQ(huffman_encode(text, code.data()), code.data() + code.size());
  return code;
}
// "?": it is no text.
std::string decode(std::string_view code) {
  std::string text(huffman_decoded_bound(code.size()), '\0');
  char* const end = huffman_decode(code, text.data());
  if (!end) return "?";
  text.resize(static_cast<std::size_t>(end - text.data()));
  return text;
}

TEST(Huffman, TheExamplesOfTheRfc) {
  EXPECT_EQ(encode("www.example.com"), "\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff");
  EXPECT_EQ(encode("no-cache"), "\xa8\xeb\x10\x64\x9c\xbf");
  EXPECT_EQ(encode("302"), "\x64\x02");
  EXPECT_EQ(encode("Mon, 21 Oct 2013 20:13:21 GMT"),
            "\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff");
}

TEST(Huffman, EverySignComesBack) {
  EXPECT_EQ(decode(encode("")), "");
  for (int first = 0; first < 256; ++first) {
    std::string text(1, static_cast<char>(first));
    EXPECT_EQ(decode(encode(text)), text);
    for (int n = 0; n < 8; ++n) {
      text += static_cast<char>(first * 7 + n * 31);
      EXPECT_EQ(decode(encode(text)), text);
    }
  }
}

// RFC 7541 5.2: less than a byte of ones, and never EOS.
TEST(Huffman, AnEndThatIsNone) {
  EXPECT_EQ(decode("\x1f"), "a");                  // 00011 and three ones
  EXPECT_EQ(decode("\x1e"), "?");                  // a zero among them
  EXPECT_EQ(decode("\x1f\xff"), "?");              // eleven ones
  EXPECT_EQ(decode("\xff"), "?");                  // eight
  EXPECT_EQ(decode("\xfe"), "?");                  // a longer sign's begin
  EXPECT_EQ(decode("\xff\xff\xff\xff"), "?");      // EOS
  EXPECT_EQ(decode("\xff\xff\xff\xfc\x1f"), "?");  // EOS and what else
}

}  // namespace
}  // namespace sluice::hpack
