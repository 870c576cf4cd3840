#include "proxy/exchange/waits.hpp"

#include <algorithm>
#include <utility>

namespace sluice::exchange {

using net::Clock;
using std::chrono::milliseconds;

namespace {
constexpr Failure kClientLeft{FailureKind::gone, Side::client};
constexpr Failure kPaused{FailureKind::paused, Side::proxy};
constexpr Failure kOverload{FailureKind::overload, Side::proxy};
constexpr Failure kNoBackend{FailureKind::no_backend, Side::proxy};

Failure failure_of(Concurrency::Entry entry) {
  if (entry == Concurrency::Entry::granted) return {};
  return entry == Concurrency::Entry::canceled ? kClientLeft : kOverload;
}
}  // namespace

Task<Failure> Waits::out_pause(Clock::time_point began) {
  while (plan_.routed().hold) {
    const route::Hold& hold = *plan_.routed().hold;
    if (hold.kind == route::Hold::Kind::stopped) co_return Failure{FailureKind::stopped, Side::proxy};
    if (context_.worker.holds_nothing) co_return kPaused;
    const auto end = co_await wait_in_pause(hold, began);
    if (end == PauseQueue::End::canceled) co_return kClientLeft;
    if (end != PauseQueue::End::released) co_return kPaused;
    plan_.view = context_.view;
    const Failure failure = match_route(plan_, head_);
    if (failure) co_return failure;
  }
  co_return Failure{};
}

Task<PauseQueue::End> Waits::wait_in_pause(const route::Hold& hold, Clock::time_point began) {
  const auto waited = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
  const std::uint32_t limit = hold.max_queue > 0 ? hold.max_queue : plan_.spec().limits.queue;
  const auto timeout = std::max(hold.max_hold - waited, milliseconds(0));
  PauseQueue::Waiter waiter(context_.pauses, plan_.live(), limit, timeout);
  in_pause_ = &waiter;
  const auto end = co_await waiter;
  in_pause_ = nullptr;
  co_return end;
}

bool Waits::take_slot() {
  return has_slot_ = Concurrency::try_enter(plan_.live(), plan_.spec().limits.in_flight);
}

Task<Concurrency::Entry> Waits::wait_in_queue(Concurrency::Waiter& waiter) {
  in_queue_ = &waiter;
  const auto entry = co_await waiter;
  in_queue_ = nullptr;
  co_return entry;
}

Task<Failure> Waits::for_slot() {
  Concurrency::ServiceWaiter waiter(context_.concurrency, plan_.live(), plan_.spec().limits);
  const auto entry = co_await wait_in_queue(waiter);
  has_slot_ = entry == Concurrency::Entry::granted;
  co_return failure_of(entry);
}

// For a slot on any backend of the asked pool. Taken: there is a claim, or nothing left to wait for.
class Waits::BackendWaiter final : public Concurrency::Waiter {
 public:
  explicit BackendWaiter(Waits& waits)
      : Waiter(waits.context_.concurrency, QueueKey(*waits.placement_.asked().pool->live),
               waits.plan_.live().waiting_for_backend, waits.plan_.spec().limits),
        placement_(waits.placement_) {}

 private:
  bool take() override {
    placement_.forget_full();
    return placement_.claim() || !placement_.full();
  }

  Placement& placement_;
};

Task<Failure> Waits::for_backend() {
  if (!placement_.full()) co_return kNoBackend;
  placement_.ask(*placement_.full());
  BackendWaiter waiter(*this);
  const auto entry = co_await wait_in_queue(waiter);
  if (entry != Concurrency::Entry::granted) co_return failure_of(entry);
  if (placement_) co_return Failure{};
  co_return placement_.full() ? kOverload : kNoBackend;
}

void Waits::leave() {
  if (std::exchange(has_slot_, false) && Concurrency::leave(plan_.live()))
    context_.offer_slot(QueueKey(plan_.live()));
}

void Waits::cancel() {
  if (in_queue_) in_queue_->cancel();
  if (in_pause_) in_pause_->cancel();
}

}  // namespace sluice::exchange
