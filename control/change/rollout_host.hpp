// The rollout driver's moves as changes of this daemon (G1). Control thread only.
#pragma once

#include "control/change/committer.hpp"
#include "control/change/way_back_watch.hpp"
#include "control/rollout_driver/host.hpp"

namespace sluice::change {

class RolloutHost : public rollout_driver::Host {
 public:
  // All of them outlive this.
  RolloutHost(const InForce& in_force, Committer& committer, Recorder& recorder,
              const WayBackWatch& way_backs)
      : in_force_(in_force), committer_(committer), recorder_(recorder), way_backs_(way_backs) {}

  const state::State& state() const override { return in_force_.state; }
  const route::SnapshotPtr& snapshot() const override { return in_force_.snapshot; }
  std::optional<protocol::RollbackStatus> way_back(const std::string& service) const override;
  boost::asio::awaitable<Result<protocol::Changed>> make(rollout_driver::Move move) override;
  void event(std::string service, std::string text, boost::json::object detail) override;
  void warning(std::string service, std::string text, boost::json::object detail) override;

 private:
  const InForce& in_force_;
  Committer& committer_;
  Recorder& recorder_;
  const WayBackWatch& way_backs_;
};

}  // namespace sluice::change
