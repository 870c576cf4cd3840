#include "control/io/retry_after.hpp"

#include <gtest/gtest.h>

namespace sluice::io {
namespace {

using namespace std::chrono_literals;

TEST(RetryAfter, IsSecondsOrADateAndAWeekAtMost) {
  EXPECT_EQ(read_retry_after("120", 0), 120s);
  EXPECT_EQ(read_retry_after("0", 0), 0s);
  EXPECT_EQ(read_retry_after("Thu, 01 Jan 1970 01:00:00 GMT", 600), 50min);
  EXPECT_EQ(read_retry_after("Thu, 01 Jan 1970 00:00:00 GMT", 600), 0s) << "it has passed";
  EXPECT_EQ(read_retry_after("99999999", 0), 24h * 7);
  EXPECT_EQ(read_retry_after("99999999999999999999999", 0), 24h * 7);
  EXPECT_EQ(read_retry_after("Thu, 01 Jan 2099 00:00:00 GMT", 600), 24h * 7);
  for (const char* wrong : {"", "-5", "soon", "12x", "99999999999999999999999x", "Thu, 01 Jan 1970"})
    EXPECT_FALSE(read_retry_after(wrong, 0)) << wrong;
}

}  // namespace
}  // namespace sluice::io
