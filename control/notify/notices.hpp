// Tells the targets of the configuration what happens, each at its own pace. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "control/io/background.hpp"
#include "control/notify/courier.hpp"

namespace sluice::notify {

class Notices {
 public:
  Notices(Courier::Surroundings around, io::Background& background);

  // The targets from now on. Those whose name was there before keep what waits; what waits for one that is
  // gone is given up.
  void adopt(const std::vector<config::NotifySpec>& targets);
  void tell(const Notice& notice);

  // The end: what waits is tried once more, all targets at once, for at most `limit`; then it is given up.
  boost::asio::awaitable<void> finish(std::chrono::milliseconds limit);
  void stop(const std::string& why);

  // In the order of the configuration.
  const std::vector<std::shared_ptr<Courier>>& couriers() const { return couriers_; }
  std::shared_ptr<Courier> find(const std::string& target) const;  // null: there is none
  std::vector<std::string> names() const;
  // A sentence for each target that fails.
  std::vector<std::string> troubles() const;

 private:
  const Courier::Surroundings around_;
  io::Background& background_;
  std::vector<std::shared_ptr<Courier>> couriers_;
};

}  // namespace sluice::notify
