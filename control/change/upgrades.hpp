// How another process takes this one's place: behind an interface, because control knows neither processes
// nor what else there is to hand over. Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "control/change/invocation.hpp"
#include "control/protocol/status.hpp"

namespace sluice::change {

class Upgrades {
 public:
  virtual ~Upgrades() = default;

  // Done when the other process routes, and has all that comes from here on (C2); a problem, and all is as it
  // was.
  virtual boost::asio::awaitable<Result<protocol::Changed>> upgrade(Invocation invocation,
                                                                    protocol::Upgrade message) = 0;
  // The process whose place this one took, while it has clients left.
  virtual std::optional<protocol::PredecessorStatus> predecessor() const = 0;
  virtual std::uint64_t count() const = 0;  // of upgrades that led to this process
  // Gives `news` (Control::follow()) to that process, if there is one. Done when it has done as it says.
  virtual boost::asio::awaitable<void> tell_predecessor(std::string news) = 0;
};

}  // namespace sluice::change
