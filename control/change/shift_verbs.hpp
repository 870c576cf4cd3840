// The verbs that move users and do more than that: cutover with its checks, its watching and its waiting, and
// the start of a rollout. Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "control/change/checks.hpp"
#include "control/change/committer.hpp"
#include "control/change/proposals.hpp"
#include "control/change/waits.hpp"

namespace sluice::change {

class ShiftVerbs {
 public:
  // All of them outlive this.
  ShiftVerbs(boost::asio::any_io_executor loop, const Planning& planning, Committer& committer, Waits& waits,
             Recorder& recorder);

  boost::asio::awaitable<Result<protocol::Changed>> cutover(Invocation invocation, protocol::Cutover message);
  boost::asio::awaitable<Result<protocol::Changed>> rollout_start(Invocation invocation,
                                                                  protocol::RolloutStart message);

 private:
  // The change that `message` asks for: a shift, or a rollout of one step that is monitored.
  Result<Proposal> proposal_of(const Invocation& invocation, const protocol::Cutover& message) const;
  Waits::Pools pools_left_by(const protocol::Cutover& message) const;

  const Planning& planning_;
  Committer& committer_;
  Waits& waits_;
  Recorder& recorder_;
  Checks checks_;
};

}  // namespace sluice::change
