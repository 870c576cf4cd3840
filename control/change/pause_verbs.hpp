// The verbs that hold a service's requests: pause, resume, stop (P1). Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <set>
#include <string>

#include "control/change/committer.hpp"
#include "control/change/proposals.hpp"
#include "control/change/waits.hpp"
#include "control/io/background.hpp"

namespace sluice::change {

// Before the pause's end is published: its requests are let go `rate` a second (0: at once), from `began` on
// (steady clock, microseconds).
void begin_release(observe::HoldLive& hold, std::uint32_t rate, std::int64_t began);
std::int64_t steady_micros();

class PauseVerbs {
 public:
  // All of them outlive this.
  PauseVerbs(const Planning& planning, Committer& committer, Waits& waits, Recorder& recorder,
             io::Background& background);

  boost::asio::awaitable<Result<protocol::Changed>> pause(Invocation invocation, protocol::Pause message);
  boost::asio::awaitable<Result<protocol::Changed>> resume(Invocation invocation, protocol::Resume message);
  boost::asio::awaitable<Result<protocol::Changed>> stop(Invocation invocation, protocol::Stop message);

 private:
  // In flight 0 becomes an event, once for each pause and stop.
  void announce_quiet(const std::string& service);
  boost::asio::awaitable<void> wait_and_announce(std::string service);

  const Planning& planning_;
  Committer& committer_;
  Waits& waits_;
  Recorder& recorder_;
  io::Background& background_;
  std::set<std::string> announcing_;  // services whose last request has not ended yet
};

}  // namespace sluice::change
