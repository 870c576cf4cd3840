// What `status`, the metrics, `history` and `config show` say of what is in force. It changes nothing.
// Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/acme/keeper.hpp"
#include "control/change/backend_health.hpp"
#include "control/change/committer.hpp"
#include "control/change/drains.hpp"
#include "control/change/options.hpp"
#include "control/change/sliding_window.hpp"
#include "control/change/status.hpp"
#include "control/change/upgrades.hpp"
#include "control/change/way_back_watch.hpp"
#include "control/notify/notices.hpp"
#include "control/protocol/answers.hpp"
#include "control/rollout_driver/rollout_driver.hpp"
#include "control/tracing/exporter.hpp"

namespace sluice::change {

class StatusWriter {
 public:
  // What is looked at. All of it outlives the writer.
  struct Sources {
    const Options& options;
    const InForce& in_force;
    const Readiness& readiness;
    worker::Workers& workers;
    const io::Resolver& resolver;
    const BackendHealth& health;
    const Drains& drains;
    const SlidingWindow& recent;
    const rollout_driver::RolloutDriver& driver;
    const acme::Keeper& keeper;
    const Committer& committer;
    const Recorder& recorder;
    const notify::Notices& notices;
    const tracing::Exporter& exporter;
    const WayBackWatch& way_backs;
    Upgrades* const& upgrades;  // null: there are none
  };
  explicit StatusWriter(Sources sources) : of_(sources) {}

  // Of this service only, unless the name is empty. Blockers of running drains are asked of the workers.
  boost::asio::awaitable<StatusView> status(boost::asio::any_io_executor loop, std::string service) const;
  StatusView status_now(const std::string& service = {}) const;   // without blockers
  Result<RolloutView> rollout(const std::string& service) const;  // not_found when it never had one
  // The latest first.
  std::vector<protocol::HistoryEntry> history(const std::string& service, std::size_t limit) const;
  config::Spec effective_spec() const;  // with what was changed at run time; for `config show`
  // {"FLAG":{"SERVICE":{"enabled_for":"10%","config":{...}}}}
  boost::json::object flags() const;
  // not_found, with a suggestion, unless there is one of that name or it is empty.
  std::optional<protocol::Problem> missing_service(const std::string& service) const;

  // For the metrics, which ask of each service only what they tell of it. `service` is of a snapshot in force
  // now or shortly before.
  const std::string& version() const { return of_.options.version; }
  bool durable() const { return of_.committer.durable(); }
  std::uint64_t upgrades() const { return of_.upgrades ? of_.upgrades->count() : 0; }
  std::uint64_t predecessor_connections() const;
  std::optional<protocol::AuditHead> audit_head() const;  // nothing before the first line
  std::vector<protocol::NotifyStatus> notify() const;     // of each target of notices
  std::optional<tracing::Results> spans() const;          // nothing while it is off
  std::vector<protocol::CertificateStatus> certificates() const;
  // By pool, of the last 10 s; empty without requests.
  std::vector<double> shares_measured(const route::Service& service) const;
  std::uint64_t draining(const route::Pool& pool) const;  // backends whose drain is under way
  // Of the pool's first backend whose long connections leave at a pace; nothing: there is none.
  std::optional<protocol::PaceStatus> pace(const route::Pool& pool) const;
  std::vector<BackendView> backends(const route::Service& service, const route::Pool& pool) const;
  // By service, of those that have a way back.
  std::vector<std::pair<std::string, protocol::RollbackStatus>> way_backs() const;
  std::vector<std::pair<std::string, RolloutView>> rollouts() const;  // by service, the last one

 private:
  boost::asio::awaitable<worker::Blockers> blockers_of(boost::asio::any_io_executor loop,
                                                       std::uint32_t id) const;
  ServiceView service_view(const state::ServiceState& service, io::Clock::time_point now) const;
  PoolView pool_view(const route::Service* service, const state::PoolState& pool,
                     io::Clock::time_point now) const;
  std::vector<BackendView> backends_of(const route::Pool* routed, const state::PoolState& pool) const;
  BackendView backend_view(const state::BackendState& backend) const;
  BackendView backend_view(const route::Pool& pool, const route::Backend& routed,
                           const state::BackendState& backend) const;
  void add_traffic(PoolView& view, const route::Service& service, const route::Pool& pool,
                   io::Clock::time_point now) const;
  std::optional<RolloutView> rollout_view(const state::ServiceState& service) const;
  std::vector<std::string> warnings() const;

  const Sources of_;
  const io::Clock::time_point started_at_ = io::Clock::now();
};

}  // namespace sluice::change
