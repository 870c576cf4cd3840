#include "proxy/base/frames.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "proxy/base/buffer.hpp"

namespace sluice {
namespace {

// The sanitizers are to see each frame by itself: there, no frame is cut off a slab.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCut = false;
#else
constexpr bool kCut = true;
#endif

std::vector<void*> frames(std::size_t count, std::size_t size) {
  std::vector<void*> made;
  for (std::size_t i = 0; i < count; ++i) made.push_back(std::memset(allocate_frame(size), 7, size));
  return made;
}

void free_all(const std::vector<void*>& frames, std::size_t size) {
  for (void* frame : frames) free_frame(frame, size);
}

TEST(Frames, what_was_freed_last_is_given_first) {
  void* const first = allocate_frame(200);
  free_frame(first, 200);
  EXPECT_EQ(allocate_frame(195), first);
  free_frame(first, 195);
}

TEST(Frames, a_burst_goes_back_to_the_system_and_frames_are_had_again) {
  trim_frames();
  const auto burst = frames(1'000, 640), others = frames(1'000, 1'000);
  EXPECT_EQ(trim_frames(), 0u);
  free_all(burst, 640);
  free_all(others, 1'000);
  const std::size_t used = 1'000 * 640 + 1'000 * 1'024;
  if (kCut) {
    EXPECT_GE(trim_frames(), used - 2 * 64 * 1024);
  }
  const auto again = frames(1'000, 640);
  free_all(again, 640);
}

TEST(Buffers, what_nobody_needed_for_a_while_is_freed) {
  trim_buffers();
  {
    std::vector<Buffer> burst(10);
    for (Buffer& buffer : burst) buffer.room();
  }
  EXPECT_EQ(trim_buffers(), 0u) << "all were needed since the last look";
  {
    Buffer one;
    one.room();
  }
  EXPECT_EQ(trim_buffers(), 9u * Buffer::kSmall);
  EXPECT_EQ(trim_buffers(), 1u * Buffer::kSmall);
  EXPECT_EQ(trim_buffers(), 0u);
}

TEST(Frames, a_frame_in_use_keeps_its_slab_and_no_other) {
  trim_frames();
  auto burst = frames(1'000, 640);
  void* const kept = burst[500];
  burst.erase(burst.begin() + 500);
  free_all(burst, 640);
  if (kCut) {
    const std::size_t given = trim_frames();
    EXPECT_GT(given, 0u);
    EXPECT_LE(given, 1'000 * 640 - 64 * 1024u);
  }
  for (std::size_t i = 0; i < 640; ++i) ASSERT_EQ(static_cast<char*>(kept)[i], 7);
  free_frame(kept, 640);
}

TEST(Frames, frames_that_are_not_cut_go_back_one_by_one) {
  trim_frames();
  free_all(frames(10, 5'000), 5'000);
  EXPECT_EQ(trim_frames(), 10u * 5'056);
  EXPECT_EQ(trim_frames(), 0u);
}

}  // namespace
}  // namespace sluice
