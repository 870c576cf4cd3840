// The URLs of gates and hooks, and what of them may be shown.
#include "proxy/base/url.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(ParseUrl, the_parts) {
  const auto plain = parse_url("http://127.0.0.1:9090");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->secured);
  EXPECT_EQ(plain->address, "127.0.0.1:9090");
  EXPECT_EQ(plain->target, "/");
  const auto secured = parse_url("https://ci.example.com?x=1");
  ASSERT_TRUE(secured);
  EXPECT_TRUE(secured->secured);
  EXPECT_EQ(secured->address, "ci.example.com:443");
  EXPECT_EQ(secured->authority, "ci.example.com");
  EXPECT_EQ(secured->target, "/?x=1");
  const auto six = parse_url("http://[::1]/a/b?c=d@e");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->address, "[::1]:80");
  EXPECT_EQ(six->target, "/a/b?c=d@e");
}

TEST(ParseUrl, what_can_never_be_asked_is_refused_with_what_was_meant) {
  const std::pair<const char*, const char*> rows[] = {{"127.0.0.1:9090", "http://127.0.0.1:9090"},
                                                      {"prometheus", "http://prometheus"},
                                                      {"ftp://h/x", "http://h/x"},
                                                      {"HTTP://h/x", "http://h/x"},
                                                      {"http://h/x#y", "http://h/x"},
                                                      {"http://u:p@h/x", "http://h/x"},
                                                      {"u:p@h:1", ""},
                                                      {"http://", ""},
                                                      {"https:///x", ""},
                                                      {"http://:80/", ""},
                                                      {"http://h:0/", ""},
                                                      {"http://h:65536/", ""},
                                                      {"http://h:x/", ""},
                                                      {"http://a b/", ""},
                                                      {"http://h/\r\nX: y", ""},
                                                      {"", ""}};
  for (const auto& [text, meant] : rows) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().suggestion, meant) << text;
  }
}

// Whatever the password holds.
TEST(ParseUrl, no_password_is_in_what_is_said) {
  for (const char* text : {"http://joe:s3cret@h/x", "https://joe:s3cret@h:99999", "http://joe:a/s3cret@h",
                           "http://joe:a?s3cret#@h/", "joe:s3cret@h:80", "ftp://joe:s3cret@h",
                           "http://joe:s3cret @h", "http://joe:x@s3cret@h", "http://s3cret@h"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().text().find("s3cret"), std::string::npos) << url.error().text();
    EXPECT_EQ(shown_url(text).find("s3cret"), std::string::npos) << shown_url(text);
  }
}

TEST(ShownUrl, hides_what_is_named_like_a_secret) {
  EXPECT_EQ(shown_url("https://h/hook?service=api&token=abc&x"), "https://h/hook?service=api&token=***&x");
  EXPECT_EQ(shown_url("https://h/hook?Api_Key=abc"), "https://h/hook?Api_Key=***");
  EXPECT_EQ(shown_url("http://joe:pw@h/a?b=c"), "http://***@h/a?b=c");
  EXPECT_EQ(shown_url("http://h/a@b?c"), "http://h/a@b?c");
}

TEST(ShownUrl, every_url_of_a_command) {
  EXPECT_EQ(shown_urls("curl -sf 'http://joe:pw@h/a' && ./b \"https://h/?key=x\" c"),
            "curl -sf 'http://***@h/a' && ./b \"https://h/?key=***\" c");
  EXPECT_EQ(shown_urls("plain words"), "plain words");
}

TEST(ParseAddress, no_password_is_in_what_is_said) {
  for (const char* text : {"http://joe:s3cret@h:80", "joe:s3cret@h:80", "joe:s3cret@h"}) {
    const auto address = parse_address(text);
    ASSERT_FALSE(address);
    EXPECT_EQ(address.error().text().find("s3cret"), std::string::npos) << address.error().text();
  }
}

}  // namespace
}  // namespace sluice
