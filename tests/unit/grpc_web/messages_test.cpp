// Where a message ends, and what ends them.
#include "proxy/grpc_web/messages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sluice::grpc_web {
namespace {

using namespace std::string_literals;

std::string message(std::size_t size) {
  return "\0"s +
         std::string{static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                     static_cast<char>(size >> 8), static_cast<char>(size)} +
         std::string(size, 'm');
}

TEST(GrpcWebMessages, bounds_are_found_however_the_body_is_cut) {
  const std::string body = message(0) + message(1) + message(300) + message(70'000);
  const std::size_t ends[] = {0, 5, 11, 316, body.size()};
  for (const std::size_t step :
       {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{64}}) {
    MessageBounds bounds;
    for (std::size_t at = 0; at < body.size(); at += step) {
      const std::size_t to = std::min(at + step, body.size());
      bounds.add(std::string_view(body).substr(at, to - at));
      EXPECT_EQ(bounds.between(), std::find(std::begin(ends), std::end(ends), to) != std::end(ends)) << to;
    }
  }
}

TEST(GrpcWebMessages, the_longest_message_is_counted) {
  MessageBounds bounds;
  bounds.add("\0\xff\xff\xff\xff"s);
  EXPECT_FALSE(bounds.between());
  const std::string part(0x10000, 'm');
  for (int i = 0; i < 0xffff; ++i) bounds.add(part);
  EXPECT_FALSE(bounds.between());
  bounds.add(std::string_view(part).substr(1));
  EXPECT_TRUE(bounds.between());
}

TEST(GrpcWebMessages, trailers_are_lines_behind_their_length) {
  const http::Field trailers[] = {{"Grpc-Status", "13"}, {"grpc-message", "50%25 no"}, {"who", ""}};
  Buffer out;
  write_trailer_frame(trailers, out);
  EXPECT_EQ(out.view(), "\x80\0\0\0\x30grpc-status: 13\r\ngrpc-message: 50%25 no\r\nwho: \r\n"s);
  out.clear();
  write_trailer_frame({}, out);
  EXPECT_EQ(out.view(), "\x80\0\0\0\0"s);
}

TEST(GrpcWebMessages, long_trailers_have_a_long_length) {
  const std::string value(70'000, 'x');
  const http::Field trailer{"a", value};
  Buffer out;
  write_trailer_frame({&trailer, 1}, out);
  EXPECT_EQ(out.view().substr(0, 8),
            "\x80\0\x01\x11\x75"
            "a: "s);
}

}  // namespace
}  // namespace sluice::grpc_web
