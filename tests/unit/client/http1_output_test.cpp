// What an HTTP/1 answer consists of on the wire.
#include "proxy/client/http1_output.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/pipes.hpp"

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

TEST(Http1Output, a_piece_in_a_pipe_has_its_lines_before_and_behind_it) {
  for (const bool last : {false, true}) {
    Pipe pipe;
    PipeLoader loader;
    loader.load(pipe, "0123456789abcdef");
    Http1Output output;
    begin(output, Framing::chunked).add_piped(pipe, last);
    ASSERT_EQ(output.piped(), &pipe);
    ASSERT_EQ(output.unsent().size(), 1u);
    EXPECT_EQ(
        std::string_view(static_cast<const char*>(output.unsent()[0].iov_base), output.unsent()[0].iov_len),
        "HEAD 10\r\n");
    EXPECT_TRUE(output.after_piped());
    EXPECT_EQ(output.piped(), nullptr);
    EXPECT_EQ(send(output), last ? "\r\n0\r\n\r\n" : "\r\n");
    loader.unload(pipe);
    loader.load(pipe, "x");
    begin(output, Framing::length).add_piped(pipe, last);
    EXPECT_FALSE(output.after_piped()) << "nothing follows";
    EXPECT_EQ(send(output), "");
  }
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
