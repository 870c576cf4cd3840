// How coroutines of the control thread wait for each other. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::io {

using Clock = std::chrono::steady_clock;

// Wakes every coroutine that waits for something to have happened; a coroutine that was woken looks for
// itself at what.
class Notifier {
 public:
  explicit Notifier(boost::asio::any_io_executor loop);

  void notify();
  // True when it was notified, false when `limit` came first.
  boost::asio::awaitable<bool> wait_until(Clock::time_point limit);
  boost::asio::awaitable<bool> wait() { return wait_until(Clock::time_point::max()); }

 private:
  struct Waiter;
  boost::asio::any_io_executor loop_;
  // Shared with the waiting frames: those may be destroyed after the notifier, with their loop.
  std::shared_ptr<std::vector<Waiter*>> waiting_;
};

// The result of a callback, awaited. Owned by a shared_ptr that the callback holds as well.
template <class T>
class AsyncResult {
 public:
  explicit AsyncResult(boost::asio::any_io_executor loop) : notifier_(std::move(loop)) {}

  void set(T value) {
    value_.emplace(std::move(value));
    notifier_.notify();
  }
  boost::asio::awaitable<T> wait() {
    while (!value_) co_await notifier_.wait();
    co_return *value_;
  }

 private:
  Notifier notifier_;
  std::optional<T> value_;
};

// One change at a time, in the order of asking.
class AsyncMutex {
 public:
  explicit AsyncMutex(boost::asio::any_io_executor loop) : notifier_(std::move(loop)) {}

  // Unlocks when it is destroyed.
  class Held {
   public:
    explicit Held(AsyncMutex* mutex) : mutex_(mutex) {}
    Held(Held&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Held& operator=(Held&&) = delete;
    ~Held() {
      if (mutex_) mutex_->unlock();
    }

   private:
    AsyncMutex* mutex_;
  };
  boost::asio::awaitable<Held> take();
  std::optional<Held> take_if_free();

 private:
  void unlock();

  Notifier notifier_;
  std::uint64_t next_ticket_ = 0, serving_ = 0;
};

}  // namespace sluice::io
