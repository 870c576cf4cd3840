#include "proxy/net/proxy_protocol.hpp"

#include <gtest/gtest.h>

namespace sluice::net {
namespace {

using Status = ProxyHeader::Status;
using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string v2(unsigned char command, unsigned char family, const std::string& block) {
  const std::string size = {static_cast<char>(block.size() >> 8), static_cast<char>(block.size() & 0xff)};
  return kSignature + static_cast<char>(command) + static_cast<char>(family) + size + block;
}
const std::string kBlock4 = "\x0a\x01\x02\x03\x7f\x00\x00\x01\x12\x34\x00\x50"s;
const std::string kBlock6 = std::string(15, '\0') + "\1" + std::string(15, '\0') + "\2" + "\x12\x34\x01\xbb"s;

std::string source(const ProxyHeader& header) {
  IpText storage;
  return std::string(format_ip(header.ends.source.ip, storage)) + " " +
         std::to_string(header.ends.source.port);
}
std::string destination(const ProxyHeader& header) {
  IpText storage;
  return std::string(format_ip(header.ends.destination.ip, storage)) + " " +
         std::to_string(header.ends.destination.port);
}

// The same verdict however the bytes come, and never an early one that a later byte changes.
ProxyHeader read(const std::string& bytes) {
  const ProxyHeader whole = read_proxy_header(bytes + "GET / HTTP/1.1\r\n");
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const ProxyHeader part = read_proxy_header(std::string_view(bytes).substr(0, n));
    if (whole.status == Status::malformed) {
      EXPECT_NE(part.status, Status::done) << n << " of " << bytes;
    } else {
      EXPECT_EQ(part.status, Status::more) << n << " of " << bytes;
    }
  }
  if (whole.status == Status::done) {
    EXPECT_EQ(whole.size, bytes.size());
  }
  return whole;
}

TEST(ProxyProtocol, Version1NamesBothEnds) {
  const ProxyHeader four = read("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n");
  EXPECT_EQ(four.status, Status::done);
  EXPECT_FALSE(four.local);
  EXPECT_EQ(source(four), "192.168.0.1 56324");
  EXPECT_EQ(destination(four), "192.168.0.11 443");
  const ProxyHeader six = read("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n");
  EXPECT_EQ(source(six), "2001:db8::1 0");
  EXPECT_EQ(destination(six), "::1 65535");
  for (const char* unknown : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 anything at all\r\n",
                              "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"}) {
    const ProxyHeader header = read(unknown);
    EXPECT_EQ(header.status, Status::done) << unknown;
    EXPECT_TRUE(header.local);
  }
}

TEST(ProxyProtocol, Version1IsTakenToTheLetter) {
  for (const std::string& bad : {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n"s,
                                 "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r\n"s,
                                 "proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n"s,
                                 "PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n"s,
                                 "PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n"s,
                                 "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n"s,
                                 "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n"s,
                                 "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n"s,
                                 "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n"s,
                                 "PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n"s,
                                 "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n"s,
                                 "PROXY TCP4 1.2.3.4 ::1 1 2\r\n"s,
                                 "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n"s,
                                 "PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n"s,
                                 "PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n"s,
                                 "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n"s,
                                 "PROXY \r\n"s,
                                 "PROXYTCP4\r\n"s,
                                 "GET / HTTP/1.1\r\n"s,
                                 "\r\nPROXY UNKNOWN\r\n"s,
                                 "PROXY UNKNOWN a\nb\r\n"s,
                                 "PROXY UNKNOWN " + std::string(100, 'x') + "\r\n",
                                 "PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n"s})
    EXPECT_EQ(read(bad).status, Status::malformed) << bad;
}

TEST(ProxyProtocol, Version2NamesBothEndsAndItsTlvsAreSkipped) {
  const std::string tlvs = "\x04\x00\x03xyz\x20\x00\x00"s;
  for (const std::string& extra : {std::string(), tlvs}) {
    const ProxyHeader four = read(v2(0x21, 0x11, kBlock4 + extra));
    EXPECT_EQ(four.status, Status::done);
    EXPECT_FALSE(four.local);
    EXPECT_EQ(source(four), "10.1.2.3 4660");
    EXPECT_EQ(destination(four), "127.0.0.1 80");
    const ProxyHeader six = read(v2(0x21, 0x21, kBlock6 + extra));
    EXPECT_EQ(source(six), "::1 4660");
    EXPECT_EQ(destination(six), "::2 443");
  }
}

TEST(ProxyProtocol, Version2LocalAndUnspecSayNothing) {
  for (const std::string& header :
       {v2(0x20, 0x00, ""), v2(0x20, 0x11, kBlock4), v2(0x20, 0x11, "x"), v2(0x21, 0x00, ""),
        v2(0x21, 0x00, "whatever"), v2(0x21, 0x31, std::string(216, '\0'))}) {
    const ProxyHeader read_back = read(header);
    EXPECT_EQ(read_back.status, Status::done);
    EXPECT_TRUE(read_back.local);
  }
}

TEST(ProxyProtocol, Version2IsTakenToTheLetter) {
  for (const std::string& bad :
       {v2(0x11, 0x11, kBlock4), v2(0x22, 0x11, kBlock4), v2(0x2f, 0x11, kBlock4), v2(0x21, 0x12, kBlock4),
        v2(0x21, 0x22, kBlock6), v2(0x21, 0x41, kBlock4), v2(0x21, 0x13, kBlock4),
        v2(0x21, 0x11, kBlock4.substr(1)), v2(0x21, 0x21, kBlock4), v2(0x21, 0x31, kBlock4),
        v2(0x21, 0x11, kBlock4 + "\x04\x00"), v2(0x21, 0x11, kBlock4 + "\x04\x00\x04xyz"s),
        v2(0x21, 0x00, std::string(kMaxProxyHeader, 'x'))})
    EXPECT_EQ(read(bad).status, Status::malformed) << testing::PrintToString(bad);
  std::string wrong = v2(0x21, 0x11, kBlock4);
  wrong[4] = '\1';
  EXPECT_EQ(read(wrong).status, Status::malformed);
}

TEST(ProxyProtocol, TheLongestHeaderIsRead) {
  const std::size_t value = kMaxProxyHeader - 16 - kBlock4.size() - 3;
  const std::string tlv =
      "\x04"s + static_cast<char>(value >> 8) + static_cast<char>(value & 0xff) + std::string(value, 'x');
  EXPECT_EQ(read(v2(0x21, 0x11, kBlock4 + tlv)).status, Status::done);
}

TEST(ProxyProtocol, WhatIsWrittenReadsBack) {
  const std::string all_ones = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  for (const auto& [from, to] :
       {std::pair<std::string, std::string>{"10.1.2.3", "127.0.0.1"}, {all_ones, all_ones}}) {
    const SocketAddresses ends{{*parse_ip(from), 65535}, {*parse_ip(to), 65535}};
    for (const auto version : {ProxyVersion::v1, ProxyVersion::v2}) {
      ProxyHeaderText storage;
      const ProxyHeader header = read(std::string(write_proxy_header(version, &ends, storage)));
      EXPECT_EQ(header.status, Status::done);
      EXPECT_EQ(header.ends.source, ends.source);
      EXPECT_EQ(header.ends.destination, ends.destination);
    }
  }
  for (const auto version : {ProxyVersion::v1, ProxyVersion::v2}) {
    ProxyHeaderText storage;
    EXPECT_TRUE(read(std::string(write_proxy_header(version, nullptr, storage))).local);
  }
}

TEST(ProxyProtocol, EndsOfTwoFamiliesAreWrittenAsIPv6) {
  const SocketAddresses ends{{*parse_ip("255.255.255.255"), 1}, {*parse_ip("::1"), 2}};
  ProxyHeaderText storage;
  EXPECT_EQ(write_proxy_header(ProxyVersion::v1, &ends, storage),
            "PROXY TCP6 ::ffff:255.255.255.255 ::1 1 2\r\n");
  EXPECT_EQ(source(read(std::string(write_proxy_header(ProxyVersion::v2, &ends, storage)))),
            "255.255.255.255 1");
}

}  // namespace
}  // namespace sluice::net
