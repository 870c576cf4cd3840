// Objects that two processes have; here both are one, with a mapping each.
#include "proxy/base/shared_memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>

namespace sluice {
namespace {

struct Count {
  explicit Count(std::uint64_t from) : next(from) {}
  std::atomic<std::uint64_t> next;
};
using Counts = SharedObjects<Count, 3>;

TEST(SharedMemory, both_have_the_same_object) {
  Counts here, there;
  EXPECT_EQ(here.descriptor(), -1) << "nothing was made";
  here.make(1u);
  const auto mine = here.make(7u);
  ASSERT_TRUE(there.adopt(here.descriptor()));
  const auto theirs = there.find(*here.place_of(mine));
  ASSERT_NE(theirs, nullptr);
  EXPECT_EQ(theirs->next++, 7u);
  EXPECT_EQ(mine->next++, 8u);
  EXPECT_EQ(theirs->next, 9u);
}

TEST(SharedMemory, a_place_of_another_process_is_given_to_nobody_while_that_may_write_to_it) {
  Counts here, there;
  auto mine = here.make(7u);
  ASSERT_TRUE(there.adopt(here.descriptor()));
  there.find(*here.place_of(mine)).reset();
  const auto made = there.make(20u);
  EXPECT_NE(there.place_of(made), here.place_of(mine));
  EXPECT_EQ(mine->next, 7u);
}

struct Page {
  std::array<std::uint8_t, 65536> bytes{};
};
using Pages = SharedObjects<Page, 2>;

TEST(SharedMemory, what_was_handed_over_is_not_cleared_and_no_free_place_taken) {
  Pages here, there;
  auto mine = here.make();
  mine->bytes.fill(7);
  ASSERT_TRUE(there.adopt(here.descriptor()));
  const auto theirs = there.find(*here.place_of(mine));
  here.hand_over();
  mine.reset();
  EXPECT_EQ(theirs->bytes[100], 7);
  const auto made = there.make(), other = here.make();
  EXPECT_TRUE(there.place_of(made));
  EXPECT_FALSE(here.place_of(other)) << "it would be the same place";
}

TEST(SharedMemory, a_place_that_was_given_back_is_used_again) {
  Counts counts;
  auto one = counts.make(1u), two = counts.make(2u);
  const auto place = counts.place_of(one);
  one.reset();
  const auto again = counts.make(5u);
  EXPECT_EQ(counts.place_of(again), place);
  EXPECT_EQ(again->next, 5u);
  EXPECT_EQ(two->next, 2u);
}

TEST(SharedMemory, an_object_that_does_not_fit_is_one_like_any_other) {
  Counts counts;
  const auto a = counts.make(1u), b = counts.make(2u), c = counts.make(3u), d = counts.make(4u);
  EXPECT_TRUE(counts.place_of(c));
  EXPECT_FALSE(counts.place_of(d));
  EXPECT_FALSE(counts.place_of(nullptr));
  EXPECT_EQ(d->next, 4u);
}

TEST(SharedMemory, whole_pages_are_zeros_again_and_go_back_to_the_system) {
  Pages pages;
  auto one = pages.make();
  one->bytes.fill(7);
  one.reset();
  EXPECT_EQ(pages.make()->bytes[100], 0);
}

TEST(SharedMemory, of_another_size_or_none_at_all_is_not_adopted) {
  SharedObjects<Count, 4> more;
  const auto made = more.make(1u);
  Counts counts;
  EXPECT_FALSE(counts.adopt(more.descriptor()));
  EXPECT_FALSE(counts.adopt(-1));
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_FALSE(counts.adopt(ends[0]));
  for (const int end : ends) ::close(end);
  EXPECT_EQ(counts.find(0), nullptr);
  ASSERT_TRUE(SharedMemory::of(more.descriptor(), sizeof(Count), 4));
  EXPECT_FALSE(SharedMemory::of(more.descriptor(), sizeof(Count), 4)->keep(4)) << "there is no such place";
}

}  // namespace
}  // namespace sluice
