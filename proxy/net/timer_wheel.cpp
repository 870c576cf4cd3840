#include "proxy/net/timer_wheel.hpp"

#include <algorithm>

namespace sluice::net {

void TimerWheel::link(Deadline& deadline) {
  if (deadline.linked()) deadline.unlink();
  deadline.linked_tick_ = std::min<std::uint64_t>(deadline.due_, tick_ + kSlots - 1);
  deadline.link_before(slots_[deadline.linked_tick_ % kSlots]);
}

void TimerWheel::advance(std::chrono::milliseconds elapsed) {
  const auto target = static_cast<std::uint64_t>(elapsed / kTick) + 1;
  while (tick_ < target) {
    ++tick_;
    // The slot's list is moved aside first: what is linked again goes to later slots.
    WheelHook due;
    WheelHook& slot = slots_[tick_ % kSlots];
    while (slot.linked()) {
      WheelHook* hook = slot.next;
      hook->unlink();
      hook->link_before(due);
    }
    while (due.linked()) {
      auto& deadline = static_cast<Deadline&>(*due.next);
      deadline.unlink();
      if (deadline.due_ == 0) continue;
      if (deadline.due_ > tick_) {
        link(deadline);
        continue;
      }
      deadline.due_ = 0;
      deadline.expired();
    }
  }
}

}  // namespace sluice::net
