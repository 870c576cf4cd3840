// Drives rollouts: looks at each in turn, asks the pure engine what to do, and has the host do it. Sleeps
// while there is none. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/io/background.hpp"
#include "control/io/notifier.hpp"
#include "control/io/resolver.hpp"
#include "control/rollout/transitions.hpp"
#include "control/rollout_driver/host.hpp"
#include "control/rollout_driver/judgement_log.hpp"
#include "control/rollout_driver/rollout_watch.hpp"

namespace sluice::rollout_driver {

class RolloutDriver {
 public:
  // All of them outlive this.
  RolloutDriver(boost::asio::any_io_executor loop, Host& host, io::Resolver& resolver,
                io::Background& background);

  // Requires: called before run(). `files` outlives this.
  void open_log(state::FileSystem& files, std::string path) { judgements_.emplace(files, std::move(path)); }
  void reopen_log();

  // Until stop().
  boost::asio::awaitable<void> run();
  void stop();
  // What was seen of a service's rollout at a look.
  std::function<void(const std::string& service, const state::Rollout& rollout,
                     const rollout::Evidence& evidence)>
      on_look;
  // Another state is in force: there may be something to drive.
  void wake() { wakeup_.notify(); }

  // What is seen of all active rollouts in their steps, for the process that takes this one's place.
  boost::json::array known() const;
  // Called before run() with what another process knew, null when that cannot be read: rollouts go on in
  // their steps, or begin their hold anew, and then an event says so (G7).
  void remember(const boost::json::value& known);

  // What is seen of a service's rollout in its present step; null when nothing is.
  const RolloutWatch* watch_of(const std::string& service, const state::Rollout& rollout) const;

 private:
  // A service with an active rollout.
  struct Driven {
    std::string name;
    state::Rollout rollout;
    std::shared_ptr<RolloutWatch> watch;
  };
  using Group = std::vector<Driven>;  // rollouts that were started together and move in step

  boost::asio::awaitable<bool> tick();
  boost::asio::awaitable<void> step(std::vector<std::string> names);
  std::shared_ptr<RolloutWatch> new_watch(const state::Rollout& rollout, const route::Service& service);
  Group group_of(const std::vector<std::string>& names);
  bool is_due(const Group& group) const;
  rollout::Decision look_at(const Driven& one, io::Clock::time_point now);
  boost::asio::awaitable<void> act(Group group, rollout::Together together);
  static Move move_of(const Group& group, const rollout::Together& together);
  void record(const std::string& name, const state::Rollout& rollout, const rollout::Evidence& evidence);
  void ask_external_gates(RolloutWatch& watch);
  boost::asio::awaitable<void> ask_gate(std::shared_ptr<ExternalGate> gate);
  void begin_verify(const std::string& name, const state::Rollout& rollout, RolloutWatch& watch);

  boost::asio::any_io_executor loop_;
  Host& host_;
  io::Resolver& resolver_;
  io::Background& background_;
  std::optional<JudgementLog> judgements_;  // set by open_log()
  bool judgements_failed_ = false;
  std::map<std::string, std::shared_ptr<RolloutWatch>> watches_;  // by service, of active rollouts
  std::map<std::string, rollout::KnownStep> known_;  // by service, what another process saw, until it is used
  std::map<std::string, std::set<std::string>>
      warned_gates_;  // gates above their warn limit, by service: reported once
  io::Notifier wakeup_;
  bool stopped_ = false;
};

}  // namespace sluice::rollout_driver
