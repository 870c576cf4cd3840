// What an HTTP/1 answer consists of on the wire.
#include "proxy/client/http1_output.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::client {
namespace {

using http1::Framing;

// Sends all that is unsent.
std::string send(Http1Output& output) {
  std::string sent;
  for (const iovec& piece : output.unsent())
    sent.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  output.clear();
  return sent;
}

Http1Output& begin(Http1Output& output, Framing framing) {
  output.heads().append("HEAD ");
  output.begin_body(framing);
  return output;
}

TEST(Http1Output, a_body_of_known_length_goes_as_it_is) {
  Http1Output output;
  begin(output, Framing::length).add("abc", false);
  EXPECT_EQ(send(output), "HEAD abc");
  output.add("def", true);
  EXPECT_EQ(send(output), "def");
}

TEST(Http1Output, a_head_without_a_body_goes_with_its_end) {
  Http1Output output;
  EXPECT_TRUE(begin(output, Framing::none).add({}, true));
  EXPECT_EQ(send(output), "HEAD ");
}

TEST(Http1Output, chunks_have_their_length_and_the_last_one_ends) {
  Http1Output output;
  begin(output, Framing::chunked).add("0123456789abcdef", false);
  EXPECT_EQ(send(output), "HEAD 10\r\n0123456789abcdef\r\n");
  output.add("x", true);
  EXPECT_EQ(send(output), "1\r\nx\r\n0\r\n\r\n");
}

TEST(Http1Output, an_end_alone) {
  Http1Output output;
  begin(output, Framing::chunked).add({}, true);
  EXPECT_EQ(send(output), "HEAD 0\r\n\r\n");
}

TEST(Http1Output, nothing_new_is_no_chunk) {
  Http1Output output;
  begin(output, Framing::chunked).add({}, false);
  EXPECT_EQ(send(output), "HEAD ");
  output.add({}, false);
  EXPECT_TRUE(output.unsent().empty());
}

TEST(Http1Output, a_long_piece_is_not_copied) {
  const std::string piece(5000, 'x');
  Http1Output output;
  EXPECT_FALSE(begin(output, Framing::chunked).add(piece, true));
  ASSERT_EQ(output.unsent().size(), 3u);
  EXPECT_EQ(output.unsent()[1].iov_base, piece.data());
  EXPECT_EQ(send(output), "HEAD 1388\r\n" + piece + "\r\n0\r\n\r\n");
}

TEST(Http1Output, trailers_go_where_chunks_end) {
  const http::Field trailers[] = {{"A", "1"}, {"B", "2"}};
  Http1Output output;
  EXPECT_TRUE(begin(output, Framing::chunked).add_end(trailers));
  EXPECT_EQ(send(output), "HEAD 0\r\nA: 1\r\nB: 2\r\n\r\n");
}

TEST(Http1Output, trailers_have_no_place_in_other_bodies) {
  const http::Field trailers[] = {{"A", "1"}};
  for (const auto framing : {Framing::length, Framing::until_close, Framing::none}) {
    Http1Output output;
    begin(output, framing).add_end(trailers);
    EXPECT_EQ(send(output), "HEAD ");
  }
}

}  // namespace
}  // namespace sluice::client
