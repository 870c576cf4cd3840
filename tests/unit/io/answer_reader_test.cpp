// Answers as control's HTTP client reads them, without a socket.
#include "control/io/answer_reader.hpp"

#include <gtest/gtest.h>

namespace sluice::io {
namespace {

constexpr std::size_t kAll = 64 * 1024;

// Given at once, then the connection's end.
AnswerReader whole(std::string_view bytes, std::size_t most_body = kAll, bool asked_head = false) {
  AnswerReader reader(asked_head, most_body);
  reader.take(bytes, true);
  return reader;
}

TEST(AnswerReader, every_framing_gives_the_body) {
  for (const char* bytes :
       {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n3\r\nody\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nbody"}) {
    auto reader = whole(bytes);
    EXPECT_TRUE(reader.complete() && !reader.failed() && !reader.full()) << bytes;
    EXPECT_EQ(reader.status(), 200) << bytes;
    EXPECT_EQ(reader.body(), "body") << bytes;
  }
}

TEST(AnswerReader, the_pieces_do_not_matter) {
  const std::string bytes =
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      "HTTP/1.1 302 Found\r\nLocation: /there\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
  AnswerReader reader(false, kAll);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(reader.complete()) << i;
    reader.take({&bytes[i], 1}, false);
  }
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.status(), 302);
  EXPECT_EQ(reader.location(), "/there");
  EXPECT_EQ(reader.body(), "body");
}

TEST(AnswerReader, keeps_as_much_of_the_body_as_was_asked_for) {
  const char bytes[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";
  EXPECT_EQ(whole(bytes, 3).body(), "bod");
  EXPECT_TRUE(whole(bytes, 3).full());
  EXPECT_FALSE(whole(bytes, 4).full());
  EXPECT_TRUE(whole(bytes, 0).has_head());
}

TEST(AnswerReader, a_head_has_no_body_whatever_it_announces) {
  const auto reader = whole("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", kAll, true);
  EXPECT_TRUE(reader.complete());
}

TEST(AnswerReader, a_broken_off_answer_is_none_wherever_it_breaks) {
  const std::string bytes = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";
  EXPECT_EQ(whole("").problem(), "the connection was closed without an answer");
  for (std::size_t n = 1; n < bytes.size(); ++n)
    EXPECT_EQ(whole(bytes.substr(0, n)).problem(), "the answer broke off") << n;
}

TEST(AnswerReader, says_what_speaks_there_instead) {
  const std::string not_http = "the answer is not HTTP/1.1: ";
  EXPECT_EQ(whole("\x15\x03\x01\x00\x02\x02\x50").problem(), not_http + "it is TLS");
  EXPECT_EQ(whole(std::string_view("\0\0\x12\4\0\0\0\0\0", 9)).problem(), not_http + "it may be HTTP/2");
  EXPECT_EQ(
      whole("HTTP/1.1 200 OK\r\nA: " + std::string(128 * 1024, 'a') + "\r\n\r\n").problem().find(not_http),
      0u);
  EXPECT_EQ(whole("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n").problem(),
            "the answer's body is malformed");
}

}  // namespace
}  // namespace sluice::io
