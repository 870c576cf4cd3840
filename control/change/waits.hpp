// What verbs wait for beside the workers: healthy, drained, idle, quiet. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/change/backend_health.hpp"
#include "control/change/drains.hpp"
#include "control/change/in_force.hpp"
#include "control/change/invocation.hpp"
#include "control/io/resolver.hpp"
#include "control/protocol/answers.hpp"

namespace sluice::change {

// A method for each thing that may be waited for, hence so many.
class Waits {
 public:
  using Pools = std::vector<std::pair<std::string, std::string>>;  // service, pool

  // All of them outlive this.
  Waits(boost::asio::any_io_executor loop, const InForce& in_force, const io::Resolver& resolver,
        BackendHealth& health, Drains& drains);

  boost::asio::awaitable<Result<protocol::Waited>> wait(protocol::Wait message);

  // Each is true when it is so, and false when `limit` came first.
  boost::asio::awaitable<bool> until_healthy(protocol::Target target, io::Clock::time_point limit);
  boost::asio::awaitable<bool> until_reachable(protocol::Target target, io::Clock::time_point limit);
  boost::asio::awaitable<bool> until_idle(Pools pools, io::Clock::time_point limit);
  // False also when somebody made one ready again.
  boost::asio::awaitable<bool> while_draining(protocol::Target target);
  // P1: nothing of the service is in flight. False also when the service is open again, and after stop().
  boost::asio::awaitable<bool> until_quiet(std::string service, io::Clock::time_point limit);
  void stop() { stopped_ = true; }

  protocol::Drained drained_sum(const protocol::Target& target) const;
  std::uint64_t in_flight_of(const Pools& pools) const;
  // What of a service may still reach a backend: requests under way and waiting for a slot, and tunnels.
  std::uint64_t under_way(const std::string& service) const;
  // What keeps the backends from being healthy, for a sentence.
  std::string troubles_of(const protocol::Target& target) const;

 private:
  // By BackendLive::id, how many results of probes there were when the wait began to look, the one under way
  // counted.
  using ProbeMarks = std::map<std::uint32_t, std::uint64_t>;

  boost::asio::awaitable<bool> until_drained(protocol::Target target, io::Clock::time_point limit);
  boost::asio::awaitable<bool> all_take_connections(protocol::Target target);
  bool is_healthy(const route::Backend& backend, bool serves, ProbeMarks& marks) const;
  bool is_drained(const route::Backend& backend) const;
  bool is_left(const protocol::Target& target) const;
  protocol::Problem not_reached(const protocol::Wait& message, std::chrono::milliseconds took) const;

  boost::asio::any_io_executor loop_;
  const InForce& in_force_;
  const io::Resolver& resolver_;
  BackendHealth& health_;
  Drains& drains_;
  bool stopped_ = false;
};

}  // namespace sluice::change
