// What has to be looked at once a second: the last minute's numbers, a disk that failed, ticket keys that
// have turned. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "control/change/committer.hpp"
#include "control/change/sliding_window.hpp"
#include "control/change/tickets.hpp"

namespace sluice::change {

class Maintenance {
 public:
  // All of them outlive this.
  Maintenance(boost::asio::any_io_executor loop, const InForce& in_force, Committer& committer,
              worker::Workers& workers, state::FileSystem& files);

  // Until stop().
  boost::asio::awaitable<void> run();
  void stop();

  std::function<void()> on_tick;  // once a second

  TicketKeeper& tickets() { return tickets_; }
  const SlidingWindow& recent() const { return recent_; }  // what pools did lately
  SlidingWindow& recent() { return recent_; }

 private:
  const InForce& in_force_;
  Committer& committer_;
  TicketKeeper tickets_;
  SlidingWindow recent_;
  boost::asio::steady_timer timer_;
  bool stopped_ = false;
};

}  // namespace sluice::change
