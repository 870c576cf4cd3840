// When one process takes another's place (sluicectl upgrade): what it learns of the one before it, and how
// that one's clients follow it. Both sides; control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>

#include "control/change/backend_health.hpp"
#include "control/change/committer.hpp"
#include "control/change/in_force.hpp"
#include "control/change/knowledge.hpp"
#include "control/change/publisher.hpp"
#include "control/change/sliding_window.hpp"
#include "control/change/upgrades.hpp"
#include "control/rollout_driver/rollout_driver.hpp"

namespace sluice::change {

class Succession {
 public:
  // All of them outlive it.
  Succession(InForce& in_force, Committer& committer, Publisher& publisher, BackendHealth& health,
             rollout_driver::RolloutDriver& rollouts, SlidingWindow& recent);

  // --- in the process that takes over
  // What the one before it knew; its descriptors are copied. Before the first snapshot is built.
  void take_over(const Knowledge& knowledge);
  // Before the first client is served. When nothing is known of the backends they are probed first: to take
  // all of them for up would give requests to those that are down.
  boost::asio::awaitable<void> go_on_as_before();
  // Done when the process before this one routes by `next`, too, if there is one.
  boost::asio::awaitable<void> tell_predecessor(const state::State& next);
  // What that one says of itself; null when it has ended.
  void set_under_way_elsewhere(const boost::json::value& said);

  // --- in the process that leaves
  // The descriptors stay ours.
  Knowledge knowledge() const;
  // `news` is what the other one's Upgrades::tell_predecessor() was given; else nothing is done.
  boost::asio::awaitable<void> follow(std::string news);
  boost::json::object under_way() const;

  Upgrades* upgrades = nullptr;  // null: the process cannot be replaced

 private:
  std::string news_of(const state::State& next) const;

  InForce& in_force_;
  Committer& committer_;
  Publisher& publisher_;
  BackendHealth& health_;
  rollout_driver::RolloutDriver& rollouts_;
  SlidingWindow& recent_;
  std::optional<KnowledgeParts> known_before_;  // until go_on_as_before() is over
};

}  // namespace sluice::change
