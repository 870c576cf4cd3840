// Where one coroutine waits for something to happen on a stream of a connection that many share, with a time
// limit. Worker only.
#pragma once

#include <chrono>
#include <coroutine>
#include <utility>

#include "proxy/base/stream_status.hpp"
#include "proxy/net/poller.hpp"
#include "proxy/net/timer_wheel.hpp"

namespace sluice::mux {

// co_await wait: ok after wake(), timed_out after set_limit()'s time, canceled or reset when end() says so.
// The coroutine goes on in the next round, never from inside the call that wakes it: who calls has its own
// work to finish.
class StreamWait : private net::Deadline {
 public:
  StreamWait(net::Poller& poller, net::TimerWheel& wheel) : Deadline(wheel), poller_(poller) {}

  bool waiting() const { return waiter_ != nullptr; }
  // Of the present or the next wait.
  void set_limit(std::chrono::milliseconds limit) { expires_after(limit); }
  void clear_limit() { disarm(); }
  void wake() { end(StreamStatus::ok); }
  // Nothing happens when nobody waits.
  void end(StreamStatus status) {
    if (!waiter_) return;
    status_ = status;
    poller_.resume_later(std::exchange(waiter_, nullptr));
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
  // Also of a wait that was not needed: ok.
  StreamStatus await_resume() noexcept {
    disarm();
    return std::exchange(status_, StreamStatus::ok);
  }

 protected:
  void expired() override { end(StreamStatus::timed_out); }

 private:
  net::Poller& poller_;
  std::coroutine_handle<> waiter_;
  StreamStatus status_ = StreamStatus::ok;
};

}  // namespace sluice::mux
