#include "proxy/tls/names.hpp"

#include <gtest/gtest.h>

namespace sluice::tls {
namespace {

TEST(Names, HostsAreComparedWithoutPortBracketsAndFinalDot) {
  EXPECT_EQ(bare_host("a.test:8443"), "a.test");
  EXPECT_EQ(bare_host("a.test."), "a.test");
  EXPECT_EQ(bare_host("[::1]:443"), "::1");
  EXPECT_EQ(bare_host("::1"), "::1");
  EXPECT_EQ(bare_host(""), "");
}

// RFC 6125 6.4.3: a wildcard is the whole leftmost label, and one label only.
TEST(Names, AWildcardIsExactlyOneLabel) {
  EXPECT_TRUE(covers("*.a.test", "X.A.test"));
  EXPECT_FALSE(covers("*.a.test", "a.test"));
  EXPECT_FALSE(covers("*.a.test", ".a.test"));
  EXPECT_FALSE(covers("*.a.test", "x.y.a.test"));
  EXPECT_FALSE(covers("x*.a.test", "xy.a.test"));
  EXPECT_TRUE(covers("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(covers("*.0.0.1", "127.0.0.2"));
}

}  // namespace
}  // namespace sluice::tls
