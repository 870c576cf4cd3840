#include "proxy/base/client_key.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(ClientKey, An_ipv4_address_is_a_client) {
  EXPECT_EQ(client_key("10.1.2.3"), client_key("10.1.2.3"));
  EXPECT_NE(client_key("10.1.2.3"), client_key("10.1.2.4"));
}

TEST(ClientKey, All_of_a_64_is_one_client) {
  EXPECT_EQ(client_key("2001:db8:1:2::1"), client_key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  EXPECT_NE(client_key("2001:db8:1:2::1"), client_key("2001:db8:1:3::1"));
  EXPECT_EQ(client_key("::1"), client_key("0:0:0:0:0:0:0:1")) << "in whatever spelling";
}

TEST(ClientKey, What_is_no_address_stands_for_itself) {
  EXPECT_NE(client_key(""), client_key(":"));
  EXPECT_NE(client_key(std::string(500, ':')), client_key(std::string(501, ':')));
}

}  // namespace
}  // namespace sluice
