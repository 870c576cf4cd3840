// What has to be looked at once a second: the last minute's numbers, a disk that failed.
#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "control/change/control_impl.hpp"

namespace sluice::change {
namespace {

constexpr std::chrono::seconds kTick{1};

}  // namespace

asio::awaitable<void> Control::Impl::upkeep(std::shared_ptr<Impl> self) {
  while (!stopped) {
    recent.sample(*snapshot, io::Clock::now());
    if (!store->durable()) co_await try_the_disk();
    keep_tickets();
    upkeep_timer.expires_after(kTick);
    co_await upkeep_timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  self.reset();
}

// While a change is under way its append does the same.
asio::awaitable<void> Control::Impl::try_the_disk() {
  const auto held = turn.take_if_free();
  if (!held) co_return;
  const auto flushed = std::make_shared<io::AsyncResult<std::string>>(loop);
  store->flush([flushed](std::string error) { flushed->open(std::move(error)); });
  const std::string error = co_await flushed->wait();
  if (!error.empty()) co_return;
  spdlog::info("generation {} is durable again", state.generation);
  events.add("warning", "", "generation " + std::to_string(state.generation) + " is durable again");
}

}  // namespace sluice::change
