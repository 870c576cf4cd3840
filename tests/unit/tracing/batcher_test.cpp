// Batches: how many spans, how old, and that a collector who does not keep up fills the rings and nothing
// else.
#include "control/tracing/batcher.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <vector>

namespace sluice::tracing {
namespace {

// Whoever gets the batches; `keeps_up`: each is done with at once.
struct Taker {
  std::mutex mutex;
  std::condition_variable came;
  std::vector<std::size_t> sizes;
  std::atomic<std::size_t> waiting{0};
  bool keeps_up = true;

  std::function<void(Batch)> give() {
    return [this](const Batch& batch) {
      const std::lock_guard lock(mutex);
      sizes.push_back(batch.count);
      if (keeps_up) --waiting;
      came.notify_all();
    };
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    return came.wait_for(lock, std::chrono::seconds(30), [&] { return sizes.size() >= count; });
  }
};

void push(observe::Spans& spans, std::size_t worker, int count) {
  observe::SpanRecord span;
  span.method = "GET";
  for (int i = 0; i < count; ++i) spans.ring(worker)->push(span);
}

struct BatcherTest : testing::Test {
  BatcherTest() { spans.make_rings(); }
  observe::Spans spans{2};
  Taker taker;
};

TEST_F(BatcherTest, IsFullWith512) {
  push(spans, 0, 700);
  push(spans, 1, 500);
  const Batcher batcher(spans, taker.waiting, taker.give());
  ASSERT_TRUE(taker.wait_for(2));
  EXPECT_EQ(taker.sizes[0], 512u);
  EXPECT_EQ(taker.sizes[1], 512u);
  ASSERT_TRUE(taker.wait_for(3)) << "the rest when it is a second old";
  EXPECT_EQ(taker.sizes[2], 1200u - 1024u);
}

TEST_F(BatcherTest, GivesTheRestAtTheEnd) {
  {
    const Batcher batcher(spans, taker.waiting, taker.give());
    push(spans, 1, 600);
  }
  ASSERT_EQ(taker.sizes.size(), 2u);
  EXPECT_EQ(taker.sizes[0] + taker.sizes[1], 600u);
}

TEST_F(BatcherTest, TakesNoMoreThanIsTaken) {
  taker.keeps_up = false;
  const Batcher batcher(spans, taker.waiting, taker.give());
  for (int i = 0; i < 4; ++i) {
    push(spans, 0, 512);
    ASSERT_TRUE(taker.wait_for(static_cast<std::size_t>(i) + 1));
  }
  while (spans.dropped() == 0) push(spans, 0, 100);  // for ever, if somebody took them out
  EXPECT_EQ(taker.sizes.size(), 4u);
}

TEST(Sampling, IsByTheIdAndAllOrNothingAtTheEnds) {
  EXPECT_FALSE(observe::is_sampled(0, 0));
  EXPECT_TRUE(observe::is_sampled(~std::uint64_t{0}, kWhole));
  // The rightmost 56 bits, of which the upper 32 count.
  EXPECT_TRUE(observe::is_sampled(0xff00000000ffffff, kWhole / 100));
  EXPECT_TRUE(observe::is_sampled(0x00028f5c00000000, kWhole / 100));
  EXPECT_FALSE(observe::is_sampled(0x00028f5d00000000, kWhole / 100));
}

TEST(Sampling, MoreOfThemAreTheSameAndOthers) {
  std::uint64_t state = 1;
  int few = 0, many = 0;
  for (int i = 0; i < 100'000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const bool in_few = observe::is_sampled(state, kWhole / 10),
               in_many = observe::is_sampled(state, kWhole / 2);
    EXPECT_TRUE(!in_few || in_many);
    few += in_few;
    many += in_many;
  }
  EXPECT_NEAR(few, 10'000, 600);
  EXPECT_NEAR(many, 50'000, 1'000);
}

}  // namespace
}  // namespace sluice::tracing
