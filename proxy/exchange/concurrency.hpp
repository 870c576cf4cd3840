// Slots, and the requests that wait for one. A service has `limits.in_flight` slots in the whole process; a
// backend may have its own number (`max_in_flight`). A request that finds none waits in a queue: one queue
// for each service, one for each pool whose backends are all full, `limits.queue` requests in either. The
// counts are process-wide; each worker has its own part of a queue and lets its requests in by their order. A
// request that gives a slot back offers it to the workers in turn (Context::offer_slot), so that none of them
// keeps it to itself.
//
// No request waits for longer than `limits.queue_time`. A queue that has not been empty for that long is no
// burst but overload: waiting in it only makes everybody late (Nichols and Jacobson, "Controlling Queue
// Delay", 2012). From then on, until it has been empty, a request that comes waits for a tenth of it, as in
// Facebook's adaptation of CoDel to requests (Maurer, "Fail at Scale", 2015).
#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <unordered_map>

#include "proxy/config/spec.hpp"
#include "proxy/net/poller.hpp"
#include "proxy/net/timer_wheel.hpp"
#include "proxy/observe/live.hpp"
#include "proxy/route/snapshot.hpp"
#include "proxy/upstream/backend.hpp"

namespace sluice::exchange {

// Which queue: that of a service's slots, or that of a pool's backends. Compared only; outlives nothing.
class QueueKey {
 public:
  explicit QueueKey(const observe::ServiceLive& service) : of_(&service) {}
  explicit QueueKey(const observe::PoolLive& pool) : of_(&pool) {}
  bool operator==(const QueueKey&) const = default;
  struct Hash {
    std::size_t operator()(const QueueKey& key) const { return std::hash<const void*>()(key.of_); }
  };

 private:
  const void* of_;
};

class Concurrency {
 public:
  enum class Entry : std::uint8_t { granted, full, timed_out, canceled };

  Concurrency(net::Poller& poller, net::TimerWheel& wheel) : poller_(poller), wheel_(wheel) {}

  // A slot of the service, if there is one at once.
  static bool try_enter(observe::ServiceLive& service, std::uint32_t limit) {
    // Never counted above the limit, not even for a moment: a request that leaves would take that for a full
    // house and wake nobody.
    std::uint32_t present = service.in_flight.load();
    while (present < limit)
      if (service.in_flight.compare_exchange_weak(present, present + 1)) return true;
    return false;
  }

  // A request that waits for a slot. Lives in its exchange. co_await it.
  struct QueueHook : net::WheelHook {};
  class Waiter : private QueueHook, private net::Deadline {
   public:
    // `waiting` counts the requests of all workers that wait in the queue of that key.
    Waiter(Concurrency& concurrency, QueueKey key, std::atomic<std::uint32_t>& waiting,
           const config::LimitSpec& limits);
    ~Waiter() override;
    void cancel();  // the client left

    bool await_ready();
    void await_suspend(std::coroutine_handle<> h);
    Entry await_resume() const { return entry_; }

   protected:
    // True: it has its slot, or there is none to wait for any more. Called from within wake_next().
    virtual bool take() = 0;

   private:
    friend class Concurrency;
    void expired() override;
    void end(Entry entry);

    Concurrency& concurrency_;
    const QueueKey key_;
    std::atomic<std::uint32_t>& waiting_;
    const config::LimitSpec& limits_;
    Entry entry_ = Entry::granted;
    bool parked_ = false;
    std::coroutine_handle<> resumes_;
  };

  // For one of the service's slots.
  class ServiceWaiter final : public Waiter {
   public:
    ServiceWaiter(Concurrency& concurrency, observe::ServiceLive& service, const config::LimitSpec& limits)
        : Waiter(concurrency, QueueKey(service), service.waiting, limits),
          service_(service),
          limit_(limits.in_flight) {}

   private:
    bool take() override { return try_enter(service_, limit_); }

    observe::ServiceLive& service_;
    const std::uint32_t limit_;
  };

  // Gives a service's slot back. True when a request may be waiting for it: it is to be offered.
  static bool leave(observe::ServiceLive& service) {
    service.in_flight.fetch_sub(1);
    return service.waiting.load() > 0;
  }
  // Gives a backend's slot back; the rest as with leave().
  static bool release(upstream::Claim& claim, const route::Backend& backend,
                      const observe::ServiceLive& service);
  // Slots may be free: lets in requests that wait for them on this worker. True when one was let in.
  bool wake_next(QueueKey key);

 private:
  // So many waiting requests are offered a slot: the first may have tried the backend that has it.
  static constexpr int kLookedAt = 4;

  struct Queue : QueueHook {
    std::uint64_t standing_since = 0;  // the wheel's tick at which it was empty last
  };
  std::chrono::milliseconds timeout(Queue& queue, std::chrono::milliseconds queue_time) const;

  net::Poller& poller_;
  net::TimerWheel& wheel_;
  std::unordered_map<QueueKey, Queue, QueueKey::Hash> queues_;  // an entry goes when its queue runs empty
};

}  // namespace sluice::exchange
