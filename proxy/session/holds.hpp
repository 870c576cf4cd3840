// P1: requests that wait for the end of their service's pause. Each worker queues its own in order; tickets
// drawn from one counter order those of all workers. When a pause ends they go on at once, or at the rate
// that control asked for: all workers draw on one budget, and a worker lets its first one go only when no
// other worker holds an earlier one (to within what two ticks let go). Worker only.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <unordered_map>

#include "proxy/net/poller.hpp"
#include "proxy/net/timer_wheel.hpp"
#include "proxy/observe/live.hpp"
#include "proxy/upstream/worker_snapshot.hpp"

namespace sluice::session {

class Holds : private net::Deadline {
 public:
  enum class End : std::uint8_t { released, full, timed_out, canceled };

  Holds(net::Poller& poller, net::TimerWheel& wheel, std::size_t worker)
      : Deadline(wheel), poller_(poller), wheel_(wheel), worker_(worker) {}

  // A request that is held. Lives in its exchange.
  struct HoldHook : net::WheelHook {};
  class Waiter : private HoldHook, private net::Deadline {
   public:
    // At most `limit` are held at once in the whole process, this one for `patience`.
    Waiter(Holds& holds, observe::ServiceLive& service, std::uint32_t limit,
           std::chrono::milliseconds patience);
    void cancel();  // the client left

    bool await_ready();
    void await_suspend(std::coroutine_handle<> h);
    End await_resume() const { return end_; }

   private:
    friend class Holds;
    void expired() override;
    void end(End end);

    Holds& holds_;
    observe::ServiceLive& service_;
    const std::uint32_t limit_;
    const std::chrono::milliseconds patience_;
    std::uint64_t ticket_ = 0;
    End end_ = End::released;
    bool parked_ = false;
    std::coroutine_handle<> waiting_;
  };

  // `view` is in force now: who waits for a service that it does not pause goes on, at its rate.
  void adopt(const upstream::WorkerSnapshot& view);
  // Shutdown: nobody waits any longer.
  void give_up();

 private:
  struct Queue {
    HoldHook head;
    bool paced = false;  // being let go at a rate
  };
  void expired() override;  // the next tick of a paced release
  void release_all(Queue& queue, End end);
  void release_some(observe::ServiceLive& service, Queue& queue);
  void note_first(observe::ServiceLive& service, Queue& queue);
  void forget_empty();

  net::Poller& poller_;
  net::TimerWheel& wheel_;
  const std::size_t worker_;
  std::unordered_map<observe::ServiceLive*, Queue> queues_;
};

}  // namespace sluice::session
