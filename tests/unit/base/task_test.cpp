// Tasks: results, errors, order; frames are recycled; an Event lets one waiter go.
#include "proxy/base/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace sluice {
namespace {

Task<int> answer() { co_return 42; }
Task<std::string> fails(bool fail) {
  if (fail) throw std::runtime_error("no");
  co_return "yes";
}
Task<std::unique_ptr<int>> moves() { co_return std::make_unique<int>(7); }

Task<void> collect(std::string& out) {
  const int number = co_await answer();
  out += std::to_string(number);
  const auto held = co_await moves();
  out += std::to_string(*held);
  try {
    co_await fails(true);
  } catch (const std::runtime_error& error) {
    out += error.what();
  }
  out += co_await fails(false);
}

TEST(Task, Results_and_errors_reach_the_one_who_awaits) {
  std::string out;
  spawn(collect(out));
  EXPECT_EQ(out, "427noyes");
}

Task<void> mark(bool& ran) {
  ran = true;
  co_return;
}

TEST(Task, It_starts_when_it_is_awaited_and_not_before) {
  bool ran = false;
  { const auto never = mark(ran); }
  EXPECT_FALSE(ran);
  spawn(mark(ran));
  EXPECT_TRUE(ran);
}

Task<void> wait(Event& event, std::string& out, std::shared_ptr<int> held) {
  out += "a";
  co_await event;
  out += std::to_string(*held);
}

TEST(Event, The_waiter_goes_on_at_the_fire_and_its_frame_goes_with_it) {
  Event event;
  std::string out;
  auto held = std::make_shared<int>(1);
  spawn(wait(event, out, held));
  EXPECT_EQ(out, "a");
  EXPECT_EQ(held.use_count(), 2);
  event.fire();
  EXPECT_EQ(out, "a1");
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Event, One_that_has_fired_holds_nobody_up_until_it_is_reset) {
  Event event;
  std::string out;
  event.fire();
  spawn(wait(event, out, std::make_shared<int>(2)));
  EXPECT_EQ(out, "a2");
  event.reset();
  spawn(wait(event, out, std::make_shared<int>(3)));
  EXPECT_EQ(out, "a2a");
  event.fire();
  EXPECT_EQ(out, "a2a3");
}

TEST(Frames, A_freed_frame_is_given_out_again_to_its_size) {
  void* const small = allocate_frame(100);
  free_frame(small, 100);
  void* const large = allocate_frame(300);
  EXPECT_NE(large, small);
  EXPECT_EQ(allocate_frame(128), small) << "the same class";
  free_frame(small, 128);
  free_frame(large, 300);
}

TEST(Frames, One_too_large_for_the_lists_is_allocated_and_freed) {
  void* const huge = allocate_frame(1 << 20);
  ASSERT_NE(huge, nullptr);
  static_cast<char*>(huge)[(1 << 20) - 1] = 1;
  free_frame(huge, 1 << 20);
}

}  // namespace
}  // namespace sluice
