// What a fake waits with: it goes on in the next round of the loop, or not before the test or a time limit
// says so.
#pragma once

#include <chrono>
#include <coroutine>
#include <utility>

#include "proxy/base/stream_status.hpp"
#include "proxy/net/poller.hpp"
#include "proxy/net/timer_wheel.hpp"

namespace sluice::exchange {

// co_await it: goes on in the next round. After forever(): when wake() or cancel() is called, or as timed_out
// when its time is over.
class Suspension : private net::Deadline {
 public:
  Suspension(net::Poller& poller, net::TimerWheel& wheel) : Deadline(wheel), poller_(poller) {}
  // The next wait has no end of its own but `limit`; called while it is awaited, `limit` begins anew.
  void forever(std::chrono::milliseconds limit) {
    forever_ = true;
    expires_after(limit);
  }
  void wake() { go_on(); }
  // Also when it goes on already, as net::Stream has it.
  void cancel() {
    if (!waiting_) return;
    status_ = StreamStatus::canceled;
    go_on();
  }
  // Not then, as mux::StreamWait has it.
  void cancel_wait() {
    if (waiter_) cancel();
  }
  bool waiting() const { return waiting_; }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    waiter_ = h;
    waiting_ = true;
    status_ = StreamStatus::ok;
    if (!forever_) go_on();
  }
  StreamStatus await_resume() {
    waiting_ = forever_ = false;
    disarm();
    return status_;
  }

 private:
  void expired() override {
    if (!waiter_) return;
    status_ = StreamStatus::timed_out;
    go_on();
  }
  void go_on() {
    if (waiter_) poller_.resume_later(std::exchange(waiter_, nullptr));
  }

  net::Poller& poller_;
  bool forever_ = false, waiting_ = false;
  StreamStatus status_ = StreamStatus::ok;
  std::coroutine_handle<> waiter_;
};

}  // namespace sluice::exchange
