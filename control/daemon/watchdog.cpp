#include "control/daemon/watchdog.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "control/io/notifier.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::daemon {

namespace asio = boost::asio;
using std::chrono::milliseconds;

std::chrono::milliseconds watchdog_pace(std::chrono::microseconds limit) {
  constexpr milliseconds kUsual{5'000}, kFastest{10};
  if (limit.count() <= 0) return kUsual;
  // Two may come late: sd_watchdog_enabled(3) advises half of it.
  return std::clamp(std::chrono::duration_cast<milliseconds>(limit / 3), kFastest, kUsual);
}

asio::awaitable<void> watch_workers(asio::any_io_executor loop, worker::Workers& workers, milliseconds pace,
                                    std::function<void()> alive) {
  asio::steady_timer timer(loop);
  for (;;) {
    const auto answered = std::make_shared<io::AsyncResult<worker::Blockers>>(loop);
    // They are asked for nothing, and answer in a round of their own.
    workers.blockers({}, [answered](worker::Blockers none) { answered->set(std::move(none)); });
    co_await answered->wait();
    alive();
    timer.expires_after(pace);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

}  // namespace sluice::daemon
