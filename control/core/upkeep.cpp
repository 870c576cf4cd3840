// What has to be looked at once a second: the last minute's numbers, a disk that failed.
#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "control/core/control_impl.hpp"

namespace sluice::core {
namespace {

constexpr std::chrono::seconds kTick{1};

}  // namespace

asio::awaitable<void> Control::Impl::upkeep(std::shared_ptr<Impl> self) {
  while (!stopped) {
    recent.sample(*snapshot, Clock::now());
    if (!journal->durable()) try_the_disk();
    keep_tickets();
    upkeep_timer.expires_after(kTick);
    co_await upkeep_timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  self.reset();
}

void Control::Impl::try_the_disk() {
  if (journal->flush()) return;
  spdlog::info("generation {} is durable again", state.generation);
  events.add("warning", "", "generation " + std::to_string(state.generation) + " is durable again");
}

}  // namespace sluice::core
