#include "proxy/http/forwarded.hpp"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

using Lines = std::vector<std::pair<std::string_view, std::string_view>>;

Fields fields_of(const Lines& lines) {
  Fields fields;
  for (const auto& [name, value] : lines) fields.push(name, value);
  return fields;
}

std::string client(const Lines& lines) {
  const std::vector<Network> trusted = {*parse_network("10.0.0.0/8"), *parse_network("2001:db8::/32")};
  IpText storage;
  return std::string(format_ip(forwarded_client(fields_of(lines), *parse_ip("10.0.0.1"), trusted), storage));
}

TEST(Forwarded, TheClientIsTheRightmostThatIsNotTrusted) {
  EXPECT_EQ(client({}), "10.0.0.1");
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4"}}), "1.2.3.4");
  EXPECT_EQ(client({{"x-forwarded-for", "6.6.6.6, 1.2.3.4"}}), "1.2.3.4");
  EXPECT_EQ(client({{"X-Forwarded-For", "6.6.6.6,1.2.3.4 , 10.9.9.9"}}), "1.2.3.4");
  EXPECT_EQ(client({{"X-Forwarded-For", "6.6.6.6, 1.2.3.4"},
                    {"X-Other", "7.7.7.7"},
                    {"X-Forwarded-For", "2001:db8::5"}}),
            "1.2.3.4");
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4:5678"}}), "1.2.3.4");
  EXPECT_EQ(client({{"X-Forwarded-For", "[2001:dead::1]:5678"}}), "2001:dead::1");
}

TEST(Forwarded, WhereTheChainMakesNoSenseTheLastHopBelievedIsTheClient) {
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4, unknown"}}), "10.0.0.1");
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4, _hidden, 10.0.0.2"}}), "10.0.0.2");
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4, 1.2.3, 10.0.0.2"}}), "10.0.0.2");
  EXPECT_EQ(client({{"X-Forwarded-For", "10.0.0.3, 10.0.0.2"}}), "10.0.0.3");
  EXPECT_EQ(client({{"X-Forwarded-For", ""}}), "10.0.0.1");
}

TEST(Forwarded, EmptyMembersSayNothing) {
  for (const char* list :
       {"1.2.3.4,", ",1.2.3.4", "1.2.3.4, , 10.0.0.2", " ,, 1.2.3.4 ,\t,10.0.0.2, ,", "1.2.3.4, "})
    EXPECT_EQ(client({{"X-Forwarded-For", list}}), "1.2.3.4") << list;
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4"}, {"X-Forwarded-For", ""}, {"X-Forwarded-For", ", ,"}}),
            "1.2.3.4");
  EXPECT_EQ(client({{"X-Forwarded-For", ", ,"}}), "10.0.0.1");
}

TEST(Forwarded, TheFirstOfAListSpeaks) {
  EXPECT_EQ(forwarded_proto(fields_of({{"X-Forwarded-Proto", "HTTPS"}})), "https");
  EXPECT_EQ(forwarded_proto(fields_of({{"X-Forwarded-Proto", "http"}})), "http");
  for (const char* secure : {"https, http", "wss", "WSS", " https ,", ",https", "https,https", "wss,ws,http"})
    EXPECT_EQ(forwarded_proto(fields_of({{"X-Forwarded-Proto", secure}})), "https") << secure;
  for (const char* clear : {"ws", "Ws", "http,https", " , http"})
    EXPECT_EQ(forwarded_proto(fields_of({{"X-Forwarded-Proto", clear}})), "http") << clear;
  for (const char* bad : {"", ",", "ftp", "ftp, https", "https\"x", "https http"})
    EXPECT_EQ(forwarded_proto(fields_of({{"X-Forwarded-Proto", bad}})), "") << bad;
  EXPECT_EQ(forwarded_proto(fields_of({{"X-Forwarded-Proto", ""}, {"X-Forwarded-Proto", "https"}})), "https");
  EXPECT_EQ(forwarded_host(fields_of({{"X-Forwarded-Host", "a.b:8080"}})), "a.b:8080");
  EXPECT_EQ(forwarded_host(fields_of({{"X-Forwarded-Host", "a.b, c.d"}})), "a.b");
  for (const char* bad : {"", "a/b", "a@b, c"})
    EXPECT_EQ(forwarded_host(fields_of({{"X-Forwarded-Host", bad}})), "") << bad;
  for (const char* port : {"443", "443, 80", " 443"})
    EXPECT_EQ(forwarded_port(fields_of({{"X-Forwarded-Port", port}})), "443");
  for (const char* bad : {"", "0", "65536", "x", "-1"})
    EXPECT_EQ(forwarded_port(fields_of({{"X-Forwarded-Port", bad}})), "") << bad;
}

}  // namespace
}  // namespace sluice::http
