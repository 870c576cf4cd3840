#include "proxy/http1/body.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/http1/lines.hpp"

namespace sluice::http1 {
namespace {

using namespace http;

using Kind = BodyStep::Kind;

struct Read {
  std::string data;
  std::string rest;
  Kind last = Kind::more;
};

// Takes steps until there is nothing to take.
Read read_all(BodyReader& body, std::string_view in) {
  Read read;
  for (;;) {
    const BodyStep step = body.next(in);
    read.data += step.data;
    in.remove_prefix(step.consumed);
    read.last = step.kind;
    if (step.kind != Kind::data) break;
    if (body.done()) break;
  }
  read.rest = in;
  return read;
}

TEST(Bodies, NoneIsDoneAtOnce) {
  BodyReader body;
  body.start(Framing::none, 7);
  EXPECT_TRUE(body.done());
  EXPECT_EQ(body.next("next").consumed, 0u);
}

TEST(Bodies, LengthTakesItsBytesOnly) {
  BodyReader body;
  body.start(Framing::length, 6);
  EXPECT_FALSE(body.done());
  EXPECT_EQ(read_all(body, "blue").data, "blue");
  EXPECT_FALSE(body.done());
  const Read read = read_all(body, "xyGET");
  EXPECT_EQ(read.data, "xy");
  EXPECT_EQ(read.rest, "GET");
  EXPECT_TRUE(body.done());
  EXPECT_FALSE(body.ends_at_eof());
}

TEST(Bodies, LengthZeroIsDoneAtOnce) {
  BodyReader body;
  body.start(Framing::length, 0);
  EXPECT_TRUE(body.done());
}

TEST(Bodies, UntilCloseTakesEverything) {
  BodyReader body;
  body.start(Framing::until_close, 0);
  EXPECT_EQ(read_all(body, "anything").data, "anything");
  EXPECT_FALSE(body.done());
  EXPECT_TRUE(body.ends_at_eof());
}

TEST(Bodies, ChunksGiveViewsOfTheInput) {
  BodyReader body;
  body.start(Framing::chunked, 0);
  const std::string in = "4\r\nblue\r\n0\r\n\r\nGET";
  const BodyStep step = body.next(in);
  EXPECT_EQ(step.kind, Kind::data);
  EXPECT_EQ(step.data.data(), in.data() + 3) << "nothing is copied";
  EXPECT_EQ(step.consumed, 7u);
  const BodyStep end = body.next(std::string_view(in).substr(7));
  EXPECT_EQ(end.kind, Kind::done);
  EXPECT_EQ(in.substr(7 + end.consumed), "GET");
  EXPECT_TRUE(body.done());
  EXPECT_EQ(testing::lines(body.trailers()), "");
}

TEST(Bodies, ChunksInPiecesOfAnySize) {
  const std::string in = "004;x=\"\\\"\"\r\nblue\r\nA\r\n0123456789\r\n0;a\r\nX-Sum : 1";
  BodyReader body;
  body.start(Framing::chunked, 0);
  std::string data;
  for (char c : in.substr(0, in.find(" : "))) data += read_all(body, {&c, 1}).data;
  EXPECT_EQ(data, "blue0123456789");
  EXPECT_EQ(read_all(body, " :").last, Kind::refused);
  EXPECT_EQ(body.refusal().status, 400);
}

TEST(Bodies, WhatIsKnownToBeTheBodysMayGoAnotherWay) {
  BodyReader body;
  body.start(Framing::length, 10);
  body.next("abc");
  EXPECT_EQ(body.known(), 7u);
  body.skip(6);
  EXPECT_EQ(body.known(), 1u);
  EXPECT_FALSE(body.done());
  body.skip(1);
  EXPECT_TRUE(body.done());
  body.start(Framing::chunked, 0);
  EXPECT_EQ(body.known(), 0u) << "a line comes first";
  EXPECT_EQ(body.next("5\r\nab").data, "ab");
  EXPECT_EQ(body.known(), 3u);
  body.skip(3);
  EXPECT_EQ(body.known(), 0u);
  EXPECT_EQ(body.next("\r\n1\r\nx").data, "x");
  EXPECT_EQ(body.next("\r\n0\r\n\r\n").kind, BodyStep::Kind::done);
  EXPECT_EQ(body.known(), 0u);
  body.start(Framing::until_close, 0);
  body.skip(1'000'000);
  EXPECT_EQ(body.known(), UINT64_MAX);
  body.start(Framing::none, 0);
  EXPECT_EQ(body.known(), 0u);
}

TEST(Bodies, CanBeUsedAgain) {
  BodyReader body;
  body.start(Framing::chunked, 0);
  EXPECT_EQ(read_all(body, "x").last, Kind::refused);
  body.start(Framing::chunked, 0);
  EXPECT_EQ(read_all(body, "0\r\nX: y\r\n\r\n").last, Kind::done);
  EXPECT_EQ(testing::lines(body.trailers()), "X: y\r\n");
  body.start(Framing::chunked, 0);
  EXPECT_EQ(read_all(body, "0\r\n\r\n").last, Kind::done);
  EXPECT_EQ(testing::lines(body.trailers()), "");
}

// RFC 9110 6.5.1: a trailer never becomes a field that frames, routes, authorises or describes.
TEST(Trailers, X6_OnlyHarmlessOnesGoOn) {
  BodyReader body;
  body.start(Framing::chunked, 0);
  const Read read = read_all(
      body,
      "0\r\nX-Sum:1\r\nContent-Length: 5\r\ntransfer-encoding: chunked\r\nHost: evil\r\nAuthorization: x\r\n"
      "X-Forwarded-For: 1.2.3.4\r\nConnection: close\r\nCookie: a\r\nSet-Cookie: a\r\nContent_Length: 5\r\n"
      "Content-Type: x/y\r\nX-Sluice-Error: x\r\nServer-Timing: \t a;dur=1 \t\r\nX-Empty:\r\n\r\n");
  EXPECT_EQ(read.last, Kind::done);
  EXPECT_EQ(testing::lines(body.trailers()), "X-Sum: 1\r\nServer-Timing: a;dur=1\r\nX-Empty: \r\n");
}

TEST(Trailers, X4_AreBounded) {
  BodyReader body;
  body.start(Framing::chunked, 0);
  EXPECT_EQ(read_all(body, "0\r\nx: " + std::string(Trailers::kMaxSize, 'v')).last, Kind::refused);
  EXPECT_EQ(body.refusal().status, 431);
  body.start(Framing::chunked, 0);
  std::string most = "0\r\n";
  for (std::size_t i = 0; i < Trailers::kMaxCount; ++i) most += "x:" + std::string(124, 'v') + "\r\n";
  most.resize(most.size() - 4);  // room for the last two line ends within 8 KiB
  EXPECT_EQ(read_all(body, most + "\r\n\r\n").last, Kind::done);
  EXPECT_EQ(testing::lines(body.trailers()).size(), 64u * 129 - 2);
}

// X4: bytes that carry nothing are paid for by bytes that do.
TEST(Chunks, X4_OverheadIsBounded) {
  ChunkedDecoder decoder;
  const std::string extension = ";" + std::string(99, 'e');
  const auto run = [&](const std::string& chunk) {
    decoder.reset();
    for (int i = 0; i < 10000; ++i)
      for (std::string_view in = chunk; !in.empty();) {
        const BodyStep step = decoder.next(in);
        if (step.kind == Kind::refused) return i;
        in.remove_prefix(step.consumed);
      }
    return 10000;
  };
  EXPECT_EQ(run("1\r\nx\r\n"), 10000) << "tiny chunks are legal";
  EXPECT_EQ(run("64" + extension + "\r\n" + std::string(100, 'x') + "\r\n"), 10000)
      << "as much data as extension";
  EXPECT_EQ(run("1" + extension + "\r\nx\r\n"), ChunkedDecoder::kMaxWaste / 99);
}

TEST(Chunks, HeadsAreWrittenInHexadecimal) {
  const auto head = [](std::size_t n) {
    ChunkHead out;
    return std::string(out.data(), encode_chunk_head(out, n));
  };
  EXPECT_EQ(head(1), "1\r\n");
  EXPECT_EQ(head(16), "10\r\n");
  EXPECT_EQ(head(0xabcdef), "abcdef\r\n");
  EXPECT_EQ(head(~std::size_t{0}), "ffffffffffffffff\r\n");
}

}  // namespace
}  // namespace sluice::http1
