#include "proxy/exchange/pause_queue.hpp"

#include <algorithm>

namespace sluice::exchange {
namespace {

// Between two looks at a paced release: what the wheel makes of a limit of nothing.
constexpr auto kPace = 2 * net::TimerWheel::kTick;

// How many requests may have been let go `since` a release began: the first one at once. One that begins
// later lets none go yet.
std::uint64_t budget(std::uint32_t rate, std::chrono::microseconds since) {
  if (since.count() < 0) return 0;
  return 1 + static_cast<std::uint64_t>(static_cast<double>(rate) * static_cast<double>(since.count()) / 1e6);
}

// As Concurrency::try_enter(): what is drawn is never counted above the budget, not even for a moment.
bool draw(observe::HoldLive& hold, std::uint64_t budget) {
  std::uint64_t released = hold.released.load();
  while (released < budget)
    if (hold.released.compare_exchange_weak(released, released + 1)) return true;
  return false;
}

std::uint64_t first_of_all(const observe::ServiceLive& service) {
  std::uint64_t first = UINT64_MAX;
  for (const auto& worker : service.per_worker) first = std::min(first, worker.first_held.load());
  return first;
}

}  // namespace

// --- waiting

PauseQueue::Waiter::Waiter(PauseQueue& queue, observe::ServiceLive& service, std::uint32_t limit,
                           std::chrono::milliseconds timeout)
    : Deadline(queue.wheel_), queue_(queue), service_(service), limit_(limit), timeout_(timeout) {}

bool PauseQueue::Waiter::await_ready() {
  if (service_.hold.held.fetch_add(1) < limit_) return false;
  service_.hold.held.fetch_sub(1);
  end_ = End::full;
  return true;
}

void PauseQueue::Waiter::await_suspend(std::coroutine_handle<> h) {
  waiting_ = h;
  parked_ = true;
  ticket_ = service_.hold.next_ticket.fetch_add(1);
  Queue& queue = queue_.queues_[&service_];
  WaiterHook::link_before(queue.head);
  queue_.record_first(service_, queue);
  expires_after(timeout_);
}

void PauseQueue::Waiter::end(End end) {
  parked_ = false;
  end_ = end;
  disarm();
  WaiterHook::unlink();
  queue_.record_first(service_, queue_.queues_[&service_]);
  service_.hold.held.fetch_sub(1);
  // Not resumed on the spot: the caller may be in the middle of a walk over the waiting ones.
  queue_.poller_.resume_later(waiting_);
}

void PauseQueue::Waiter::expired() {
  if (parked_) end(End::timed_out);
}

void PauseQueue::Waiter::cancel() {
  if (parked_) end(End::canceled);
}

// --- letting go

void PauseQueue::adopt(const upstream::WorkerSnapshot& view) {
  if (queues_.empty()) return;
  for (auto& [live, queue] : queues_) {
    const route::Service* service = nullptr;
    for (const auto& known : view.snapshot->services)
      if (known.live.get() == live) service = &known;
    const bool paused = service && service->hold && service->hold->kind == route::Hold::Kind::paused;
    queue.paced = !paused && service && !service->hold && live->hold.release_rate.load() > 0;
    if (!paused && !queue.paced) release_all(queue, End::released);
  }
  expired();
}

void PauseQueue::give_up() {
  for (auto& [live, queue] : queues_) release_all(queue, End::timed_out);
}

bool PauseQueue::holds_any() const {
  return std::any_of(queues_.begin(), queues_.end(),
                     [](const auto& entry) { return entry.second.head.linked(); });
}

void PauseQueue::expired() {
  bool paced = false;
  for (auto& [live, queue] : queues_) {
    if (queue.paced) release_some(*live, queue);
    paced = paced || (queue.paced && queue.head.linked());
  }
  forget_empty();
  if (paced) expires_after(std::chrono::milliseconds(0));
}

void PauseQueue::release_all(Queue& queue, End end) {
  while (queue.head.linked()) static_cast<Waiter&>(static_cast<WaiterHook&>(*queue.head.next)).end(end);
}

void PauseQueue::release_some(observe::ServiceLive& service, Queue& queue) {
  observe::HoldLive& hold = service.hold;
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(net::Clock::now().time_since_epoch());
  const std::uint32_t rate = hold.release_rate.load();
  const std::uint64_t allowed =
      budget(rate, now - std::chrono::microseconds(hold.release_began_micros.load()));
  const std::uint64_t slack = rate * static_cast<std::uint64_t>(kPace.count()) / 1000;
  while (queue.head.linked()) {
    auto& first = static_cast<Waiter&>(static_cast<WaiterHook&>(*queue.head.next));
    if (first.ticket_ > first_of_all(service) + slack || !draw(hold, allowed)) return;
    first.end(End::released);
  }
}

void PauseQueue::record_first(observe::ServiceLive& service, Queue& queue) {
  std::uint64_t ticket = UINT64_MAX;
  if (queue.head.linked()) ticket = static_cast<Waiter&>(static_cast<WaiterHook&>(*queue.head.next)).ticket_;
  service.per_worker[worker_].first_held.store(ticket);
}

// Not where a waiter ends: its caller may be walking over the queues.
void PauseQueue::forget_empty() {
  std::erase_if(queues_, [](const auto& entry) { return !entry.second.head.linked(); });
}

}  // namespace sluice::exchange
