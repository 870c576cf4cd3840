#include "control/core/bell.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice::core {

namespace asio = boost::asio;

struct Bell::Waiter {
  Waiter(asio::any_io_executor loop, std::shared_ptr<std::vector<Waiter*>> all)
      : timer(std::move(loop)), waiting(std::move(all)) {
    waiting->push_back(this);
  }
  Waiter(const Waiter&) = delete;
  ~Waiter() { std::erase(*waiting, this); }

  asio::steady_timer timer;
  std::shared_ptr<std::vector<Waiter*>> waiting;
  bool rung = false;
};

Bell::Bell(asio::any_io_executor loop)
    : loop_(std::move(loop)), waiting_(std::make_shared<std::vector<Waiter*>>()) {}

void Bell::ring() {
  for (Waiter* waiter : *waiting_) {
    waiter->rung = true;
    waiter->timer.cancel();
  }
}

asio::awaitable<bool> Bell::wait_until(Clock::time_point limit) {
  Waiter waiter(loop_, waiting_);
  waiter.timer.expires_at(limit);
  co_await waiter.timer.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return waiter.rung;
}

asio::awaitable<Turn::Held> Turn::take() {
  const std::uint64_t ticket = next_ticket_++;
  while (serving_ != ticket) co_await bell_.wait();
  co_return Held(this);
}

std::optional<Turn::Held> Turn::take_if_free() {
  if (serving_ != next_ticket_) return std::nullopt;
  ++next_ticket_;
  return Held(this);
}

void Turn::give_back() {
  ++serving_;
  bell_.ring();
}

}  // namespace sluice::core
