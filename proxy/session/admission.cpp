#include "proxy/session/admission.hpp"

namespace sluice::session {

Admission::Waiter::Waiter(Admission& admission, observe::ServiceLive& service,
                          const config::LimitSpec& limits)
    : Deadline(admission.wheel_), admission_(admission), service_(service), limits_(limits) {}

Admission::Waiter::~Waiter() = default;

bool Admission::Waiter::await_ready() {
  if (service_.waiting.fetch_add(1) >= limits_.queue) {
    service_.waiting.fetch_sub(1);
    entry_ = Entry::full;
    return true;
  }
  // Again, now that leavers see us waiting: a place given back in between would wake nobody.
  if (!try_enter(service_, limits_.in_flight)) return false;
  service_.waiting.fetch_sub(1);
  return true;
}

void Admission::Waiter::await_suspend(std::coroutine_handle<> h) {
  waiting_ = h;
  parked_ = true;
  Queue& queue = admission_.queues_[&service_];
  expires_after(admission_.patience(queue, limits_.queue_time));
  QueueHook::link_before(queue);
}

void Admission::Waiter::end(Entry entry) {
  parked_ = false;
  entry_ = entry;
  never();
  QueueHook::unlink();
  service_.waiting.fetch_sub(1);
  // Not resumed on the spot: the caller may be another request in the middle of its end.
  admission_.poller_.resume_later(waiting_);
}

void Admission::Waiter::expired() {
  if (parked_) end(Entry::timed_out);
}

void Admission::Waiter::cancel() {
  if (parked_) end(Entry::canceled);
}

// Before the newcomer is linked.
std::chrono::milliseconds Admission::patience(Queue& queue, std::chrono::milliseconds queue_time) const {
  constexpr int kOverload = 10;
  if (!queue.linked()) queue.standing_since = wheel_.tick();
  const auto standing = (wheel_.tick() - queue.standing_since) * net::TimerWheel::kTick;
  return standing > queue_time ? queue_time / kOverload : queue_time;
}

bool Admission::leave(observe::ServiceLive& service) {
  service.in_flight.fetch_sub(1);
  if (service.waiting.load() == 0) return false;
  wake(&service);
  return service.waiting.load() > 0;
}

void Admission::wake(observe::ServiceLive* service) {
  const auto queue = queues_.find(service);
  if (queue == queues_.end()) return;
  QueueHook& head = queue->second;
  while (head.linked()) {
    auto& first = static_cast<Waiter&>(static_cast<QueueHook&>(*head.next));
    if (!try_enter(*service, first.limits_.in_flight)) return;
    first.end(Entry::granted);
  }
  queues_.erase(queue);
}

}  // namespace sluice::session
