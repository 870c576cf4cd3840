#include "proxy/base/network.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

Ip ip(std::string_view text) {
  const auto parsed = parse_ip(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Ip{});
}
std::string back(std::string_view text) {
  IpText storage;
  return std::string(format_ip(ip(text), storage));
}

TEST(Network, AddressesReadBackInOneSpelling) {
  EXPECT_EQ(back("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(back("::ffff:10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(back("2001:DB8:0::1"), "2001:db8::1");
  EXPECT_TRUE(ip("1.2.3.4").is_v4());
  EXPECT_FALSE(ip("::1").is_v4());
}

TEST(Network, WhatIsNoAddress) {
  for (const char* text :
       {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "::1%eth0", "[::1]", "localhost", " 1.2.3.4",
        "1.2.3.4 ", "1:2:3:4:5:6:7:8:9", "12345678901234567890123456789012345678901234567890"})
    EXPECT_FALSE(parse_ip(text)) << text;
  EXPECT_FALSE(parse_ip(std::string_view("1.2.3.4\0", 8)));
}

TEST(Network, AddressesWithPortsAsProxiesWriteThem) {
  EXPECT_EQ(parse_ip_maybe_port("1.2.3.4:80"), ip("1.2.3.4"));
  EXPECT_EQ(parse_ip_maybe_port("1.2.3.4"), ip("1.2.3.4"));
  EXPECT_EQ(parse_ip_maybe_port("[::1]:80"), ip("::1"));
  EXPECT_EQ(parse_ip_maybe_port("[::1]"), ip("::1"));
  EXPECT_EQ(parse_ip_maybe_port("::1"), ip("::1"));
  for (const char* text : {"", "unknown", "_hidden", "[::1", "[::1]80", "a:1"})
    EXPECT_FALSE(parse_ip_maybe_port(text)) << text;
}

TEST(Network, ContainsWhatAgreesInThePrefix) {
  const auto in = [](const char* network, const char* address) {
    const auto parsed = parse_network(network);
    EXPECT_TRUE(parsed) << network;
    return parsed && parsed->contains(ip(address));
  };
  EXPECT_TRUE(in("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(in("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(in("10.0.0.128/25", "10.0.0.255"));
  EXPECT_FALSE(in("10.0.0.128/25", "10.0.0.127"));
  EXPECT_TRUE(in("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(in("127.0.0.1", "127.0.0.2"));
  EXPECT_TRUE(in("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(in("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(in("::/0", "2001:db8::1"));
  EXPECT_TRUE(in("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(in("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(Network, WhatIsNoNetwork) {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/33", "::/129", "10.0.0.0/8x", "ten/8"})
    EXPECT_FALSE(parse_network(text)) << text;
  EXPECT_EQ(parse_network("10.1.2.3/8").error().suggestion, "10.0.0.0/8");
  EXPECT_EQ(parse_network("2001:db8::1/32").error().suggestion, "2001:db8::/32");
}

}  // namespace
}  // namespace sluice
