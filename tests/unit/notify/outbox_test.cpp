// The queue of one target, by a clock of the test's own.
#include "control/notify/outbox.hpp"

#include <gmock/gmock.h>

#include "unit/notify/notice.hpp"

namespace sluice::notify {
namespace {

using namespace std::chrono_literals;

class Outboxes : public testing::Test {
 protected:
  void add(NoticeKind kind, const std::string& backend = "b1") {
    box.add(notice_of(kind, "api", backend), now);
  }
  // Sent and taken: its sentence; empty when there is nothing to send.
  std::string deliver() {
    const Message* next = box.next(now);
    if (!next) return {};
    const std::string said = sentence_of(*next);
    box.delivered();
    return said;
  }
  // Until nothing is due before `limit`; how many messages.
  int deliver_all(Clock::time_point limit) {
    int count = 0;
    for (;;) {
      if (!deliver().empty()) {
        ++count;
        continue;
      }
      const auto due = box.due();
      if (!due || *due > limit) return count;
      now = std::max(now, *due);
    }
  }

  Clock::time_point now{1000h};
  const Clock::time_point start = now;
  Outbox box{10, 2s};
};

TEST_F(Outboxes, WhatStandsAloneIsSentAtOnce) {
  EXPECT_EQ(box.next(now), nullptr);
  EXPECT_FALSE(box.due());
  add(NoticeKind::rolled_back);
  EXPECT_LE(box.due(), now);
  EXPECT_THAT(deliver(), testing::StartsWith("api/blue/b1"));
  EXPECT_EQ(deliver(), "");
  EXPECT_FALSE(box.due());
  EXPECT_EQ(box.results().delivered, 1u);
}

TEST_F(Outboxes, WhatComesInNumbersIsOneMessageOfEachKind) {
  for (const char* name : {"b1", "b2", "b3"}) add(NoticeKind::backend_down, name);
  add(NoticeKind::drain_forced);
  EXPECT_EQ(deliver(), "");
  EXPECT_EQ(box.due(), now + 2s);
  now += 1s;
  add(NoticeKind::backend_down, "b4");
  EXPECT_EQ(box.queued(), 5u);
  now += 1s;
  EXPECT_THAT(
      (std::vector{deliver(), deliver()}),
      testing::UnorderedElementsAre("4 backends are down: api/blue/b1, api/blue/b2, api/blue/b3, api/blue/b4",
                                    testing::StartsWith("api/blue/b1 ")));
  EXPECT_EQ(deliver(), "");
  EXPECT_EQ(box.results().delivered, 5u);
  EXPECT_EQ(box.queued(), 0u);
}

TEST_F(Outboxes, WithoutAWaitEachIsAMessage) {
  box.set_limits(10, 0ms);
  add(NoticeKind::backend_down, "b1");
  add(NoticeKind::backend_down, "b2");
  EXPECT_EQ(deliver_all(now), 2);
}

// Whatever comes, in any minute there are not more messages than the limit, and every notice is told, if only
// by its number.
TEST_F(Outboxes, TheLimitAMinuteHoldsAndNothingIsLostSilently) {
  for (int i = 0; i < 12; ++i) add(NoticeKind::rolled_back);
  for (int i = 0; i < 10; ++i) add(NoticeKind::gate_failed);
  EXPECT_EQ(deliver_all(now), 10);
  EXPECT_EQ(box.results().limited, 12u);
  EXPECT_EQ(box.due(), start + 60s);
  now = start + 60s;
  EXPECT_EQ(deliver(), "12 more: 2 rolled back, 10 gate failed");
  EXPECT_EQ(deliver(), "");
  EXPECT_FALSE(box.due());
  EXPECT_EQ(box.results().delivered, 10u);
}

TEST_F(Outboxes, WhereThereIsAlwaysMoreTheNumbersHaveTheirTurn) {
  box.set_limits(2, 0ms);
  int told = 0, numbers = 0;
  std::deque<Clock::time_point> sent;
  for (; now < start + 10min; now += 1s) {
    add(NoticeKind::gate_failed);
    while (const Message* next = box.next(now)) {
      next->kind == Message::Kind::more ? ++numbers : ++told;
      sent.push_back(now);
      box.delivered();
    }
    while (!sent.empty() && now - sent.front() >= 1min) sent.pop_front();
    ASSERT_LE(sent.size(), 2u);
  }
  EXPECT_GE(numbers, 9);
  EXPECT_GE(told, 9);
}

TEST_F(Outboxes, WhatFailsIsTriedAgainLaterAndLater) {
  add(NoticeKind::rolled_back);
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 8; ++i) {
    ASSERT_NE(box.next(now), nullptr);
    ASSERT_TRUE(box.failed(now, std::nullopt));
    EXPECT_EQ(box.next(now), nullptr);
    waits.push_back(std::chrono::duration_cast<std::chrono::seconds>(*box.due() - now).count());
    now = *box.due();
  }
  EXPECT_THAT(waits, testing::ElementsAre(1, 2, 4, 8, 16, 32, 64, 64));
  ASSERT_NE(box.next(now), nullptr);
  box.delivered();
  add(NoticeKind::rolled_back);
  box.next(now);
  box.failed(now, std::nullopt);
  EXPECT_EQ(*box.due() - now, 1s) << "after a success it begins anew";
}

TEST_F(Outboxes, ATargetIsAskedNoSoonerThanItSays) {
  add(NoticeKind::rolled_back);
  box.next(now);
  box.failed(now, 30s);
  EXPECT_EQ(*box.due() - now, 30s);
  now += 30s;
  box.next(now);
  box.failed(now, 100h);
  EXPECT_EQ(*box.due() - now, 10min) << "within bounds";
  now += 10min;
  box.next(now);
  box.failed(now, 0s);
  EXPECT_FALSE(box.next(now)) << "0 is no reason to hurry";
}

TEST_F(Outboxes, WhatFailsForTenMinutesIsGivenUpAndItsNumberToldLater) {
  add(NoticeKind::rolled_back);
  add(NoticeKind::gate_failed);
  bool again = true;
  for (int tries = 0; again && tries < 50; ++tries) {
    const Message* next = box.next(now);
    ASSERT_NE(next, nullptr);
    EXPECT_EQ(event_of(*next), "rolled_back");
    again = box.failed(now, std::nullopt);
    now = *box.due();
  }
  EXPECT_FALSE(again);
  EXPECT_GE(now - start, 10min);
  EXPECT_EQ(box.results().failed, 1u);
  EXPECT_THAT(deliver(), testing::StartsWith("api/blue/b1")) << "the other one";
  EXPECT_EQ(deliver(), "1 more: 1 rolled back");
}

TEST_F(Outboxes, NumbersAreKeptAsLongAsItTakes) {
  box.set_limits(1, 0ms);
  add(NoticeKind::rolled_back);
  add(NoticeKind::rolled_back);
  EXPECT_NE(deliver(), "");
  now = *box.due();
  for (int i = 0; i < 100; ++i) {
    ASSERT_NE(box.next(now), nullptr);
    ASSERT_TRUE(box.failed(now, std::nullopt));
    now = *box.due();
  }
  EXPECT_EQ(deliver(), "1 more: 1 rolled back");
}

TEST_F(Outboxes, WhatIsRefusedIsGoneAndTheNextIsSentAtOnce) {
  add(NoticeKind::rolled_back);
  add(NoticeKind::gate_failed);
  box.next(now);
  box.refused();
  EXPECT_EQ(event_of(*box.next(now)), "gate_failed");
  EXPECT_EQ(box.results().failed, 1u);
}

// The one that is being sent is not the one to go.
TEST_F(Outboxes, OfAFullQueueTheOldestGoesAndItsNumberIsTold) {
  box.set_limits(600, 0ms);
  add(NoticeKind::rollout_done);
  ASSERT_NE(box.next(now), nullptr);
  for (int i = 0; i < 103; ++i) add(NoticeKind::gate_failed);
  EXPECT_EQ(box.results().dropped, 3u);
  box.delivered();
  int count = 0;
  std::string said;
  for (std::string next = deliver(); !next.empty(); next = deliver(), ++count) said = next;
  EXPECT_EQ(count, 101);
  EXPECT_EQ(said, "3 more: 3 gate failed");
  EXPECT_EQ(box.results().delivered, 101u);
}

TEST_F(Outboxes, HurryingSendsWhatIsGatheredCountedAndWaitedWith) {
  box.set_limits(1, 2s);
  add(NoticeKind::rolled_back);
  add(NoticeKind::rolled_back);
  add(NoticeKind::backend_down);
  box.next(now);
  box.failed(now, 5min);
  box.hurry(now);
  EXPECT_EQ(deliver_all(now), 3);
  EXPECT_EQ(box.queued(), 0u);
}

TEST_F(Outboxes, AllThatWaitsIsTakenInOrder) {
  box.set_limits(2, 2s);
  add(NoticeKind::rolled_back);
  add(NoticeKind::gate_failed);
  add(NoticeKind::gate_failed);
  add(NoticeKind::backend_down);
  box.next(now);
  std::vector<std::string> events;
  for (const auto& message : box.take_all()) events.emplace_back(event_of(message));
  EXPECT_THAT(events, testing::ElementsAre("rolled_back", "gate_failed", "backend_down", "more"));
  EXPECT_EQ(box.queued(), 0u);
  EXPECT_FALSE(box.due());
  EXPECT_EQ(box.results().failed, 3u);
  EXPECT_EQ(box.results().limited, 1u);
}

}  // namespace
}  // namespace sluice::notify
