// How much room a socket's next read gets, by what the last ones brought.
#include "proxy/net/read_size.hpp"

#include <gtest/gtest.h>

namespace sluice::net {
namespace {

TEST(ReadSize, who_sends_much_at_once_gets_large_room_until_two_reads_bring_little) {
  ReadSize size;
  EXPECT_EQ(size.room(), Buffer::kSmall);
  size.learn(true);
  EXPECT_EQ(size.room(), Buffer::kLarge);
  size.learn(false);
  EXPECT_EQ(size.room(), Buffer::kLarge) << "the rest of an answer of 17 KiB: the next one comes whole";
  size.learn(true);
  size.learn(false);
  size.learn(false);
  EXPECT_EQ(size.room(), Buffer::kSmall);
}

TEST(ReadSize, what_comes_by_a_pipe_needs_no_room) {
  ReadSize size;
  size.learn(true);
  size.unlearn();
  EXPECT_EQ(size.room(), Buffer::kSmall);
  size.learn(true);
  size.unlearn();
  size.learn(false);
  EXPECT_EQ(size.room(), Buffer::kSmall);
}

TEST(ReadSize, a_limit_is_kept_whatever_comes) {
  ReadSize size;
  size.limit(Buffer::kTiny);
  EXPECT_EQ(size.most(), Buffer::kTiny);
  size.learn(true);
  EXPECT_EQ(size.room(), Buffer::kTiny);
  size.limit(Buffer::kLarge);
  size.learn(true);
  EXPECT_EQ(size.room(), Buffer::kLarge);
}

}  // namespace
}  // namespace sluice::net
