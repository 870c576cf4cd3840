// What a dry run foretells (control/protocol/forecast.hpp). What is known of the traffic is looked up on the
// control thread; the plan's power is worked out on a thread of its own, so that nothing waits for it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/change/in_force.hpp"
#include "control/change/sliding_window.hpp"
#include "control/protocol/forecast.hpp"
#include "control/rollout/power.hpp"

namespace sluice::change {

class Forecaster {
 public:
  // Both outlive it.
  Forecaster(boost::asio::any_io_executor loop, const InForce& in_force, const SlidingWindow& recent)
      : loop_(std::move(loop)), in_force_(in_force), recent_(recent) {}

  // All that an answer needs, of services whose shares change or whose rollout begins; at most kMostServices.
  static constexpr std::size_t kMostServices = 20;
  struct Question {
    protocol::Forecast known;
    std::optional<config::PlanSpec> plan;  // of a rollout that begins
    rollout::Traffic traffic;
  };
  using Questions = std::vector<Question>;
  Questions ask(const state::State& before, const state::State& after) const;

  boost::asio::awaitable<protocol::Forecasts> answer(Questions questions);

 private:
  const boost::asio::any_io_executor loop_;
  const InForce& in_force_;
  const SlidingWindow& recent_;
  std::unique_ptr<boost::asio::thread_pool> pool_;  // once something was asked
};

}  // namespace sluice::change
