// RFC 4648 4, in pieces.
#include "proxy/grpc_web/base64.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace sluice::grpc_web {
namespace {

std::string encoded(std::string_view bytes) {
  Buffer out;
  encode_base64(bytes, out);
  return std::string(out.view());
}

// Pieces of `step` bytes. "?": it is no base64; "... " and what came: it is not whole.
std::string decoded(std::string_view text, std::size_t step) {
  Base64Decoder decoder;
  Buffer out;
  for (std::size_t at = 0; at < text.size(); at += step)
    if (!decoder.decode(text.substr(at, step), out)) return "?";
  return (decoder.is_whole() ? "" : "... ") + std::string(out.view());
}

TEST(Base64, the_examples_of_RFC_4648_10) {
  const std::pair<const char*, const char*> kExamples[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : kExamples) {
    EXPECT_EQ(encoded(bytes), text);
    for (std::size_t step = 1; step <= 9; ++step) EXPECT_EQ(decoded(text, step), bytes) << step;
  }
}

TEST(Base64, padded_pieces_may_follow_one_another) {
  for (std::size_t step = 1; step <= 13; ++step)
    EXPECT_EQ(decoded("Zg==Zm8=Zm9vZg==", step), "ffofoof") << step;
}

TEST(Base64, what_is_no_base64_is_refused_however_it_is_cut) {
  for (const auto* wrong : {"=", "Z=", "Zg=x", "Zg=A", "Zg=", "Z===", "====", "Zm9v!", "Zm9v Zm9v",
                            "Zm9v\r\n", "-_-_", "Zh==", "Zm9=", "Zg==\xff"})
    for (std::size_t step = 1; step <= 9; ++step) {
      const std::string said = decoded(wrong, step);
      EXPECT_TRUE(said == "?" || said.starts_with("... ")) << wrong << " by " << step << ": " << said;
    }
}

TEST(Base64, a_text_that_is_cut_is_not_whole) {
  EXPECT_EQ(decoded("Zm9vY", 5), "... foo");
  EXPECT_EQ(decoded("Zm9vYg=", 7), "... foo");
}

TEST(Base64, any_bytes_come_back) {
  std::minstd_rand random(20'261'127);
  for (std::size_t size = 0; size < 300; ++size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    EXPECT_EQ(decoded(encoded(bytes), 1 + size % 7), bytes);
  }
}

}  // namespace
}  // namespace sluice::grpc_web
