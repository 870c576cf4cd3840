#include "control/io/notifier.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice::io {

namespace asio = boost::asio;

struct Notifier::Waiter {
  Waiter(asio::any_io_executor loop, std::shared_ptr<std::vector<Waiter*>> all)
      : timer(std::move(loop)), waiting(std::move(all)) {
    waiting->push_back(this);
  }
  Waiter(const Waiter&) = delete;
  ~Waiter() { std::erase(*waiting, this); }

  asio::steady_timer timer;
  std::shared_ptr<std::vector<Waiter*>> waiting;
  bool notified = false;
};

Notifier::Notifier(asio::any_io_executor loop)
    : loop_(std::move(loop)), waiting_(std::make_shared<std::vector<Waiter*>>()) {}

void Notifier::notify() {
  for (Waiter* waiter : *waiting_) {
    waiter->notified = true;
    waiter->timer.cancel();
  }
}

asio::awaitable<bool> Notifier::wait_until(Clock::time_point limit) {
  Waiter waiter(loop_, waiting_);
  waiter.timer.expires_at(limit);
  co_await waiter.timer.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return waiter.notified;
}

asio::awaitable<AsyncMutex::Held> AsyncMutex::take() {
  const std::uint64_t ticket = next_ticket_++;
  while (serving_ != ticket) co_await notifier_.wait();
  co_return Held(this);
}

std::optional<AsyncMutex::Held> AsyncMutex::take_if_free() {
  if (serving_ != next_ticket_) return std::nullopt;
  ++next_ticket_;
  return Held(this);
}

void AsyncMutex::unlock() {
  ++serving_;
  notifier_.notify();
}

}  // namespace sluice::io
