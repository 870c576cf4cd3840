#include "proxy/exchange/concurrency.hpp"

namespace sluice::exchange {

Concurrency::Waiter::Waiter(Concurrency& concurrency, QueueKey key, std::atomic<std::uint32_t>& waiting,
                            const config::LimitSpec& limits)
    : Deadline(concurrency.wheel_),
      concurrency_(concurrency),
      key_(key),
      waiting_(waiting),
      limits_(limits) {}

Concurrency::Waiter::~Waiter() = default;

bool Concurrency::Waiter::await_ready() {
  if (waiting_.fetch_add(1) >= limits_.queue) {
    waiting_.fetch_sub(1);
    entry_ = Entry::full;
    return true;
  }
  // A second try, now that this request counts as waiting: a slot that was given back before it did was
  // offered to nobody.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!take()) return false;
  waiting_.fetch_sub(1);
  return true;
}

void Concurrency::Waiter::await_suspend(std::coroutine_handle<> h) {
  resumes_ = h;
  parked_ = true;
  Queue& queue = concurrency_.queues_[key_];
  expires_after(concurrency_.timeout(queue, limits_.queue_time));
  QueueHook::link_before(queue);
}

void Concurrency::Waiter::end(Entry entry) {
  parked_ = false;
  entry_ = entry;
  disarm();
  QueueHook::unlink();
  waiting_.fetch_sub(1);
  // Not resumed on the spot: the caller may be another request in the middle of its end.
  concurrency_.poller_.resume_later(resumes_);
}

void Concurrency::Waiter::expired() {
  if (parked_) end(Entry::timed_out);
}

void Concurrency::Waiter::cancel() {
  if (parked_) end(Entry::canceled);
}

// Requires: the newcomer is not linked yet.
std::chrono::milliseconds Concurrency::timeout(Queue& queue, std::chrono::milliseconds queue_time) const {
  constexpr int kOverload = 10;
  if (!queue.linked()) queue.standing_since = wheel_.tick();
  const auto standing = (wheel_.tick() - queue.standing_since) * net::TimerWheel::kTick;
  return standing > queue_time ? queue_time / kOverload : queue_time;
}

bool Concurrency::release(upstream::Claim& claim, const route::Backend& backend,
                          const observe::ServiceLive& service) {
  claim.release();
  if (backend.max_in_flight == 0) return false;
  // A waiter counts itself before it looks at the backends once more (Waiter::await_ready): one of the two
  // sees the other.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return service.waiting_for_backend.load() > 0;
}

bool Concurrency::wake_next(QueueKey key) {
  const auto queue = queues_.find(key);
  if (queue == queues_.end()) return false;
  QueueHook& head = queue->second;
  bool let_in = false;
  int left = kLookedAt;
  for (net::WheelHook* hook = head.next; hook != &head && left > 0;) {
    auto& waiter = static_cast<Waiter&>(static_cast<QueueHook&>(*hook));
    hook = hook->next;
    if (!waiter.take()) {
      --left;
      continue;
    }
    waiter.end(Entry::granted);
    let_in = true;
  }
  if (!head.linked()) queues_.erase(queue);
  return let_in;
}

}  // namespace sluice::exchange
