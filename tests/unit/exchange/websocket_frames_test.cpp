// Where frames end, however the bytes are cut; and what is no frame.
#include "proxy/exchange/websocket_frames.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::exchange {
namespace {

using From = WebSocketFrames::From;

std::string frame(unsigned char first, std::size_t length, bool masked) {
  std::string out{static_cast<char>(first)};
  const char mask = masked ? '\x80' : '\0';
  if (length < 126) {
    out += static_cast<char>(length | static_cast<unsigned char>(mask));
  } else {
    const bool is_short = length < 65536;
    out += static_cast<char>((is_short ? 126 : 127) | static_cast<unsigned char>(mask));
    for (int shift = is_short ? 8 : 56; shift >= 0; shift -= 8) out += static_cast<char>(length >> shift);
  }
  if (masked) out += "\x88\x12\x34\x56";
  return out + std::string(length, '\x88');
}

TEST(WebSocketFrames, they_end_where_their_lengths_say_whatever_the_pieces_are) {
  for (const bool masked : {false, true})
    for (const std::size_t length : {0u, 1u, 125u, 126u, 127u, 65535u, 65536u, 70000u}) {
      const std::string both = frame(0x82, length, masked) + frame(0x01, 3, masked);
      const std::size_t first = both.size() - frame(0x01, 3, masked).size();
      for (const std::size_t piece : {1u, 2u, 3u, 7u, 4096u, 200000u}) {
        WebSocketFrames frames(masked ? From::client : From::server);
        EXPECT_TRUE(frames.at_boundary());
        std::size_t passed = 0;
        while (passed < first) {
          const std::string_view next = std::string_view(both).substr(passed, piece);
          passed += frames.pass_some(next);
          ASSERT_EQ(frames.at_boundary(), passed == first) << length << " " << piece << " " << passed;
        }
        EXPECT_EQ(passed, first) << "not a byte of the next frame";
        EXPECT_FALSE(frames.is_closed());
      }
    }
}

TEST(WebSocketFrames, a_payload_need_not_be_looked_at) {
  WebSocketFrames frames(From::server);
  const std::string one = frame(0x82, 70000, false);
  frames.pass(one.substr(0, 100));
  EXPECT_EQ(frames.unseen(), one.size() - 100);
  frames.skip(frames.unseen());
  EXPECT_TRUE(frames.at_boundary());
}

TEST(WebSocketFrames, a_close_frame_is_seen) {
  WebSocketFrames server(From::server), client(From::client);
  server.pass(kServerGoesAway);
  EXPECT_TRUE(server.is_closed() && server.at_boundary());
  const auto ours = client_goes_away(0x12345678);
  client.pass({ours.data(), ours.size()});
  EXPECT_TRUE(client.is_closed() && client.at_boundary());
  const unsigned char high = static_cast<unsigned char>(ours[6] ^ ours[2]);
  const unsigned char low = static_cast<unsigned char>(ours[7] ^ ours[3]);
  EXPECT_EQ(high * 256 + low, 1001);
}

TEST(WebSocketFrames, what_is_no_frame_is_left_alone) {
  for (const std::string_view bytes : {std::string_view("\x83\x01x", 3), std::string_view("\x82\x81x", 3)}) {
    WebSocketFrames frames(From::server);
    frames.pass(bytes);
    EXPECT_FALSE(frames.is_framed());
    EXPECT_FALSE(frames.at_boundary());
    EXPECT_EQ(frames.unseen(), UINT64_MAX);
    frames.pass("anything");
    frames.skip(1 << 20);
  }
}

}  // namespace
}  // namespace sluice::exchange
