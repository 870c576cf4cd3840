// A service's places: at most `limits.in_flight` requests at once in the whole process, `limits.queue`
// waiting for a place. The counts are process-wide atomics; each worker queues its own requests and wakes
// them in order.
//
// Nobody waits for longer than `limits.queue_time`. A queue that has not been empty for that long is no burst
// but overload: waiting in it only makes everybody late (Nichols and Jacobson, "Controlling Queue Delay",
// 2012). From then on, until it has been empty, who comes waits for a tenth of it, as in Facebook's
// adaptation of CoDel to requests (Maurer, "Fail at Scale", 2015).
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <unordered_map>

#include "proxy/config/spec.hpp"
#include "proxy/net/poller.hpp"
#include "proxy/net/timer_wheel.hpp"
#include "proxy/observe/live.hpp"

namespace sluice::session {

class Admission {
 public:
  enum class Entry : std::uint8_t { granted, full, timed_out, canceled };

  Admission(net::Poller& poller, net::TimerWheel& wheel) : poller_(poller), wheel_(wheel) {}

  // A place, if there is one at once.
  static bool try_enter(observe::ServiceLive& service, std::uint32_t limit) {
    // Never counted above the limit, not even for a moment: a leaver would take that for a full house and
    // wake nobody.
    std::uint32_t present = service.in_flight.load();
    while (present < limit)
      if (service.in_flight.compare_exchange_weak(present, present + 1)) return true;
    return false;
  }

  // A request that waits for a place. Lives in its exchange.
  struct QueueHook : net::WheelHook {};
  class Waiter : private QueueHook, private net::Deadline {
   public:
    Waiter(Admission& admission, observe::ServiceLive& service, const config::LimitSpec& limits);
    ~Waiter() override;
    void cancel();  // the client left

    bool await_ready();
    void await_suspend(std::coroutine_handle<> h);
    Entry await_resume() const { return entry_; }

   private:
    friend class Admission;
    void expired() override;
    void end(Entry entry);

    Admission& admission_;
    observe::ServiceLive& service_;
    const config::LimitSpec& limits_;
    Entry entry_ = Entry::granted;
    bool parked_ = false;
    std::coroutine_handle<> waiting_;
  };

  // Gives a place back. True when somebody on another worker may be waiting for it.
  bool leave(observe::ServiceLive& service);
  // Places may be free: lets in who waits here.
  void wake(observe::ServiceLive* service);

 private:
  struct Queue : QueueHook {
    std::uint64_t standing_since = 0;  // the wheel's tick at which it was empty last
  };
  std::chrono::milliseconds patience(Queue& queue, std::chrono::milliseconds queue_time) const;

  net::Poller& poller_;
  net::TimerWheel& wheel_;
  std::unordered_map<observe::ServiceLive*, Queue> queues_;  // an entry goes when its queue runs empty
};

}  // namespace sluice::session
