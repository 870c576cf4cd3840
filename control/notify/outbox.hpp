// What waits to be sent to one target: gathers what comes in numbers, keeps to the limit a minute, counts
// what finds no place and tells it in a message of its own, and says when what failed is tried again. Pure:
// the time comes in. Control thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "control/notify/message.hpp"

namespace sluice::notify {

using Clock = std::chrono::steady_clock;

// Of notices, by what became of them.
struct Results {
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;   // not taken by the target, or not within kLife
  std::uint64_t limited = 0;  // told by their number only
  std::uint64_t dropped = 0;  // the queue was full; told by their number as well
};

class Outbox {
 public:
  static constexpr std::size_t kMostQueued = 100;   // messages
  static constexpr std::chrono::minutes kLife{10};  // of a message that fails
  static constexpr std::chrono::minutes kMinute{1};

  Outbox(std::uint32_t per_minute, std::chrono::milliseconds group_wait);

  void set_limits(std::uint32_t per_minute, std::chrono::milliseconds group_wait);
  void add(Notice notice, Clock::time_point now);

  // The message to send now; null when there is none yet. Requires: of the one before, one of the three below
  // was called.
  const Message* next(Clock::time_point now);
  // When to ask again; nothing: not before add().
  std::optional<Clock::time_point> due() const;

  // What became of the message that next() gave.
  void delivered();
  void refused();  // the target does not want it, now or later
  // It is tried again, not before `wait` is over if the target asks for that. False when it has been tried
  // for so long that it is given up.
  bool failed(Clock::time_point now, std::optional<std::chrono::seconds> wait);

  // The target is another one now: it is tried at once.
  void forget_failures();
  // All that waits, in order; the outbox is empty then.
  std::vector<Message> take_all();

  // The end is near: what is gathered and counted is to be sent now, and what waits is not waited for.
  void hurry(Clock::time_point now);

  std::size_t queued() const;  // notices that wait, gathered ones too
  const Results& results() const { return results_; }

 private:
  struct Waiting {
    Message message;
    Clock::time_point since;
  };

  void enqueue(Message message, Clock::time_point now);
  void put(Message message, Clock::time_point now);
  void leave_out(const Message& message, std::uint64_t& as);
  void tell_untold(Clock::time_point now);
  bool has_room(Clock::time_point now);
  Clock::time_point next_numbers() const;
  void close_groups(Clock::time_point now);

  std::uint32_t per_minute_;
  std::chrono::milliseconds group_wait_;
  std::map<NoticeKind, Waiting> gathered_;
  std::deque<Waiting> queue_;
  std::optional<Waiting> sent_;          // was given by next()
  std::deque<Clock::time_point> taken_;  // messages into the queue, in the last minute
  Message untold_;                       // of Kind::more: what found no place, to be told by its number
  std::optional<Clock::time_point> told_numbers_;  // the last time
  int failures_ = 0;                               // tries in a row
  Clock::time_point not_before_{};
  Results results_;
};

}  // namespace sluice::notify
