// The verbs on backends that do more than one change: drain, ready, add, remove. Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "control/change/backend_health.hpp"
#include "control/change/committer.hpp"
#include "control/change/proposals.hpp"
#include "control/change/waits.hpp"

namespace sluice::change {

class BackendVerbs {
 public:
  // All of them outlive this.
  BackendVerbs(const Planning& planning, io::Resolver& resolver, Committer& committer, Waits& waits,
               BackendHealth& health, Recorder& recorder);

  boost::asio::awaitable<Result<protocol::Changed>> drain(Invocation invocation, protocol::Drain message);
  boost::asio::awaitable<Result<protocol::Changed>> ready(Invocation invocation, protocol::Ready message);
  boost::asio::awaitable<Result<protocol::Changed>> ready_when_healthy(Invocation invocation,
                                                                       ReadyWhenHealthy message);
  boost::asio::awaitable<Result<protocol::Changed>> add(Invocation invocation, protocol::Add message);
  boost::asio::awaitable<Result<protocol::Changed>> remove(Invocation invocation, protocol::Remove message);

 private:
  // A pace that the drain's timeout does not allow; unless it is forced.
  std::optional<protocol::Problem> slow_pace(const Invocation& by, const protocol::Target& target,
                                             const protocol::Websockets& websockets,
                                             std::chrono::milliseconds timeout) const;
  // Ends the ejections of what was made ready; a sentence for each, and for each that cannot be used yet.
  std::vector<std::string> welcome(const protocol::Target& target, const std::string& by);

  const Planning& planning_;
  io::Resolver& resolver_;
  Committer& committer_;
  Waits& waits_;
  BackendHealth& health_;
  Recorder& recorder_;
};

// The problem of a verb whose change was made and whose wait for `what` took too long.
protocol::Problem late(const protocol::Changed& reply, const std::string& what);

}  // namespace sluice::change
