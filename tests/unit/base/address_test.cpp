// HOST:PORT as operators write it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/base/values.hpp"

namespace sluice {
namespace {

using testing::HasSubstr;

TEST(ParseAddress, NamesAndLiterals) {
  const Address rows[] = {{"127.0.0.1", 9001, "127.0.0.1:9001"},
                          {"::1", 80, "[::1]:80"},
                          {"::ffff:10.0.0.1", 65535, "[::ffff:10.0.0.1]:65535"},
                          {"localhost", 1, "localhost:1"},
                          {"api-1.internal", 80, "api-1.internal:80"},
                          {"my_app", 80, "my_app:80"},
                          {"example.com.", 443, "example.com.:443"},
                          {"3com", 80, "3com:80"}};
  for (const Address& expected : rows) {
    const auto parsed = parse_address(expected.text);
    ASSERT_TRUE(parsed) << parsed.error().text();
    EXPECT_EQ(*parsed, expected) << expected.text;
  }
  EXPECT_EQ(parse_address("[::]:0", 0)->port, 0);
}

TEST(ParseAddress, RefusesWithWhatWasMeant) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "it has no port"},
      {"localhost", "it has no port, write HOST:PORT"},
      {"[::1]", "it has no port"},
      {"[::1]80", "it has no port"},
      {":8080",
       "it has no host; write 0.0.0.0 or [::] to mean every interface, did you mean '0.0.0.0:8080'?"},
      {"h:", "its port '' is not a number from 1 to 65535"},
      {"h:0", "its port '0' is not"},
      {"h:65536", "its port '65536' is not"},
      {"h:99999999999999999999", "is not a number"},
      {"h:80x", "its port '80x' is not"},
      {"h:+80", "its port '+80' is not"},
      {"h: 80", "its port ' 80' is not"},
      {"1.2.3:80", "'1.2.3' is not an IPv4 address"},
      {"1.2.3.4.5:80", "is not an IPv4 address"},
      {"::1:80", "an IPv6 address stands in brackets, did you mean '[::1]:80'?"},
      {"a:b:80", "an IPv6 address stands in brackets"},
      {"[::1:80", "its bracket is not closed"},
      {"[127.0.0.1]:80", "'127.0.0.1' in the brackets is not an IPv6 address"},
      {"-a:80", "'-a' is not a host name"},
      {"a..b:80", "is not a host name"},
      {"a b:80", "is not a host name"},
      {"a/b:80", "is not a host name"},
      {"http://h:80/x", "it is a URL, did you mean 'h:80'?"},
      {"http://h/x", "it is a URL"}};
  for (const auto& [text, reason] : rows) {
    const auto parsed = parse_address(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().text(), HasSubstr(reason)) << text;
  }
  EXPECT_FALSE(parse_address(std::string(64, 'a') + ":80")) << "labels have at most 63 letters";
  EXPECT_FALSE(parse_address(std::string(300, 'a') + ":80"));
}

}  // namespace
}  // namespace sluice
