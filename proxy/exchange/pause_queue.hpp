// P1: requests that wait for the end of their service's pause. Each worker queues its own in order; tickets
// drawn from one counter order those of all workers. When a pause ends the requests go on at once, or at the
// rate that control asked for: all workers draw on one budget, and a worker lets its first request go only
// when no other worker holds an earlier one (to within what two ticks let go). Worker only.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <unordered_map>

#include "proxy/net/poller.hpp"
#include "proxy/net/timer_wheel.hpp"
#include "proxy/observe/live.hpp"
#include "proxy/upstream/worker_snapshot.hpp"

namespace sluice::exchange {

class PauseQueue : private net::Deadline {
 public:
  enum class End : std::uint8_t { released, full, timed_out, canceled };

  PauseQueue(net::Poller& poller, net::TimerWheel& wheel, std::size_t worker)
      : Deadline(wheel), poller_(poller), wheel_(wheel), worker_(worker) {}

  // A request that is held. Lives in its exchange. co_await it.
  struct WaiterHook : net::WheelHook {};
  class Waiter : private WaiterHook, private net::Deadline {
   public:
    // At most `limit` requests are held at once in the whole process, this one for `timeout`.
    Waiter(PauseQueue& queue, observe::ServiceLive& service, std::uint32_t limit,
           std::chrono::milliseconds timeout);
    void cancel();  // the client left

    bool await_ready();
    void await_suspend(std::coroutine_handle<> h);
    End await_resume() const { return end_; }

   private:
    friend class PauseQueue;
    void expired() override;
    void end(End end);

    PauseQueue& queue_;
    observe::ServiceLive& service_;
    const std::uint32_t limit_;
    const std::chrono::milliseconds timeout_;
    std::uint64_t ticket_ = 0;
    End end_ = End::released;
    bool parked_ = false;
    std::coroutine_handle<> waiting_;
  };

  // `view` is in force now: requests of a service that it does not pause go on, at that service's rate.
  void adopt(const upstream::WorkerSnapshot& view);
  // Shutdown: no request waits any longer.
  void give_up();
  bool holds_any() const;

 private:
  struct Queue {
    WaiterHook head;
    bool paced = false;  // being let go at a rate
  };
  void expired() override;  // the next tick of a paced release
  void release_all(Queue& queue, End end);
  void release_some(observe::ServiceLive& service, Queue& queue);
  void record_first(observe::ServiceLive& service, Queue& queue);
  void forget_empty();

  net::Poller& poller_;
  net::TimerWheel& wheel_;
  const std::size_t worker_;
  std::unordered_map<observe::ServiceLive*, Queue> queues_;
};

}  // namespace sluice::exchange
