// What the rollout driver needs of the rest of control, as an interface, so that it is tested with a fake.
// Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/system/result.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/protocol/messages.hpp"
#include "control/protocol/problem.hpp"
#include "control/protocol/status.hpp"
#include "control/state/apply.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::rollout_driver {

// A move of rollouts that go in step. It is done as an operator's verb is: checked, journaled, audited (G1).
struct Move {
  std::string verb;
  std::string why;
  std::vector<std::string> services;
  std::function<state::Result<state::Change>(const state::State&)> change;
  bool back = false;  // the way back is never refused (C7)
};

class Host {
 public:
  virtual ~Host() = default;

  virtual const state::State& state() const = 0;           // in force
  virtual const route::SnapshotPtr& snapshot() const = 0;  // in force
  // Whether it could go back now; nothing when that is not known.
  virtual std::optional<protocol::RollbackStatus> way_back(const std::string& service) const = 0;
  virtual boost::asio::awaitable<boost::system::result<protocol::Changed, protocol::Problem>> make(
      Move move) = 0;
  // Events of the types "rollout" and "warning".
  virtual void event(std::string service, std::string text, boost::json::object detail) = 0;
  virtual void warning(std::string service, std::string text, boost::json::object detail) = 0;
};

}  // namespace sluice::rollout_driver
