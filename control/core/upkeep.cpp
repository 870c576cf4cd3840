// What has to be looked at once a second: the last minute's numbers, a disk that failed, names that resolve
// anew.
#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "control/core/control_impl.hpp"

namespace sluice::core {
namespace {

constexpr std::chrono::seconds kTick{1};
constexpr std::chrono::seconds kRefresh{30};
constexpr std::chrono::seconds kRefreshUnresolved{5};

}  // namespace

asio::awaitable<void> Control::Impl::upkeep(std::shared_ptr<Impl> self) {
  next_refresh = Clock::now() + kRefreshUnresolved;
  while (!stopped) {
    recent.sample(*snapshot, Clock::now());
    if (!journal->durable()) try_the_disk();
    keep_tickets();
    if (Clock::now() >= next_refresh) co_await refresh_addresses();
    if (stopped) co_return;
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

// Published at the same generation: nothing that an operator asked for is another now.
asio::awaitable<void> Control::Impl::refresh_addresses() {
  auto addresses = addresses_of(state);
  const bool changed = co_await resolver.refresh(std::move(addresses));
  if (stopped) co_return;
  if (changed) {
    const Turn::Held held = co_await turn.take();
    spdlog::info("addresses of backends changed, published at generation {}", state.generation);
    route::SnapshotPtr made = publisher.build(spec, state, snapshot.get());
    co_await publish(std::move(made));
    follow_drains(std::nullopt);
  }
  bool unresolved = false;
  for (const auto& address : addresses_of(state)) unresolved = unresolved || !resolver.find(address);
  next_refresh = Clock::now() + (unresolved ? kRefreshUnresolved : kRefresh);
}

}  // namespace sluice::core
