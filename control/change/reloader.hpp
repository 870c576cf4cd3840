// The configuration file read again (T2): everything or nothing. Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/acme/keeper.hpp"
#include "control/change/committer.hpp"
#include "control/change/name_follower.hpp"
#include "control/change/options.hpp"

namespace sluice::change {

// The admin's listeners in a reload: prepare() opens the new ones (an error text, or empty), then they take
// effect or are forgotten.
class AdminListeners {
 public:
  virtual ~AdminListeners() = default;
  virtual std::string prepare(const config::AdminSpec& next) = 0;
  virtual void take() = 0;
  virtual void forget() = 0;
};

class Reloader {
 public:
  // All of them outlive this.
  Reloader(const Options& options, const Readiness& readiness, InForce& in_force, Names& names,
           worker::Workers& workers, Committer& committer, Drains& drains, acme::Keeper& certificates,
           Recorder& recorder);

  void set_admin_listeners(AdminListeners* listeners) { admin_listeners_ = listeners; }
  boost::asio::awaitable<Result<protocol::Changed>> reload(Invocation invocation);

  std::function<void()> on_listeners;  // as Control::set_on_listeners()

 private:
  boost::asio::awaitable<Result<protocol::Changed>> adopt(Invocation invocation, config::Spec next);
  std::optional<protocol::Problem> prepare_for(const config::Spec& next);
  void forget_prepared(const config::Spec& next);
  std::vector<std::string> keep_what_needs_a_restart(config::Spec& next) const;
  std::optional<protocol::Problem> refuse_to_begin(const Invocation& invocation) const;

  const Options& options_;
  const Readiness& readiness_;
  InForce& in_force_;
  Names& names_;
  worker::Workers& workers_;
  Committer& committer_;
  Drains& drains_;
  acme::Keeper& certificates_;
  Recorder& recorder_;
  AdminListeners* admin_listeners_ = nullptr;  // null: there are none
};

}  // namespace sluice::change
