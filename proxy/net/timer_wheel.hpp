// Deadlines of one worker: a wheel with one timer behind it. Setting a deadline that is later than the one
// already linked costs a store: the wheel looks again when the old one comes up. Worker only. Time is an
// argument; the ticker drives it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace sluice::net {

using Clock = std::chrono::steady_clock;

// A list that a deadline links itself into; no allocation.
struct WheelHook {
  WheelHook* prev = this;
  WheelHook* next = this;
  bool linked() const { return next != this; }
  void unlink() {
    prev->next = next;
    next->prev = prev;
    prev = next = this;
  }
  void link_before(WheelHook& head) {
    prev = head.prev;
    next = &head;
    head.prev->next = this;
    head.prev = this;
  }
};

class TimerWheel;

// Something with at most one time limit at a time. expired() runs on the worker, once per limit.
class Deadline : private WheelHook {
 public:
  explicit Deadline(TimerWheel& wheel) : wheel_(wheel) {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  virtual ~Deadline() {
    if (linked()) unlink();
  }

  void expires_after(std::chrono::milliseconds wait);
  void disarm() { due_ = 0; }
  bool armed() const { return due_ != 0; }

 protected:
  virtual void expired() = 0;

 private:
  friend class TimerWheel;
  TimerWheel& wheel_;
  std::uint64_t due_ = 0;          // tick; 0: none
  std::uint64_t linked_tick_ = 0;  // where it hangs in the wheel, when linked
};

class TimerWheel {
 public:
  static constexpr auto kTick = std::chrono::milliseconds(20);
  static constexpr std::size_t kSlots =
      512;  // one turn is about ten seconds; longer limits hang at its end and look again

  // Expires what is due. `elapsed` is the time since the worker started.
  void advance(std::chrono::milliseconds elapsed);
  std::uint64_t tick() const { return tick_; }

 private:
  friend class Deadline;
  void link(Deadline& deadline);

  std::uint64_t tick_ = 1;
  std::array<WheelHook, kSlots> slots_;
};

inline void Deadline::expires_after(std::chrono::milliseconds wait) {
  // One tick more than asked: the present tick has partly gone.
  due_ = wheel_.tick() + static_cast<std::uint64_t>((wait + TimerWheel::kTick) / TimerWheel::kTick) + 1;
  if (!linked() || due_ < linked_tick_) wheel_.link(*this);
}

}  // namespace sluice::net
