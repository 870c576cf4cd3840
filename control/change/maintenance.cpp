#include "control/change/maintenance.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {
namespace {

constexpr std::chrono::seconds kTick{1};

}  // namespace

Maintenance::Maintenance(boost::asio::any_io_executor loop, const InForce& in_force, Committer& committer,
                         worker::Workers& workers, state::FileSystem& files)
    : in_force_(in_force),
      committer_(committer),
      tickets_(workers, files, in_force),
      timer_(std::move(loop)) {}

boost::asio::awaitable<void> Maintenance::run() {
  while (!stopped_) {
    recent_.sample(*in_force_.snapshot, io::Clock::now());
    if (!committer_.durable()) co_await committer_.try_the_disk();
    tickets_.keep();
    if (on_tick) on_tick();
    timer_.expires_after(kTick);
    co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
}

void Maintenance::stop() {
  stopped_ = true;
  timer_.cancel();
}

}  // namespace sluice::change
