// The health of every backend in force: what probes say, what ejection says, and the one value the workers
// read. The only writer of BackendLive::health and ramp_started_micros. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/health/health.hpp"
#include "control/health/probe.hpp"
#include "control/io/notifier.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::health {

// What probes have said of a backend.
struct ProbeRecord {
  HealthState health{1, 2};
  std::uint64_t count = 0;        // results so far
  std::uint64_t last_failed = 0;  // the number of the last that was bad
  std::string error;              // of the last result; empty when it was good
};

// What another process knew of a backend that is monitored here as well (sluicectl upgrade).
struct KnownProbes {
  HealthState::Known health;
  std::string error;  // of the last probe
  bool usable = true;
  std::int64_t ramp_began_micros = 0;  // as BackendLive::ramp_started_micros
};

// An ejection that lasts.
struct Ejection {
  io::Clock::time_point began;
  int passed_since = 0;  // probes in a row that began after it and were passed
};

struct MonitoredBackend {
  // As the snapshot has it.
  std::string service, pool, name;
  io::Destination to;     // no endpoint: its name is not known, it is down
  std::string looked_up;  // as in route::Backend
  observe::Admin admin = observe::Admin::ready;
  std::optional<config::HealthCheckSpec> check;
  config::OutlierSpec outlier;
  std::chrono::milliseconds slow_start{0};
  std::shared_ptr<observe::BackendLive> live;
  std::shared_ptr<observe::PoolLive> pool_live;
  // As it is found to be.
  ProbeRecord probed;
  std::optional<Ejection> ejection;
  bool usable = false;  // took requests after its last change; a slow start begins when that turns true
};
std::string to_string(const MonitoredBackend& backend);  // "api/blue/127.0.0.1:9001"

class HealthRegistry {
 public:
  // `now` is the steady clock's; a parameter for the tests.
  explicit HealthRegistry(boost::asio::any_io_executor loop,
                          std::function<io::Clock::time_point()> now = io::Clock::now);

  // The snapshot in force from now on. What is known of its backends stays known (C4). The ids of those that
  // may not be as they were, or are gone.
  std::vector<std::uint32_t> adopt(route::SnapshotPtr snapshot);
  // The result of a probe that began at `began`.
  void observed(std::uint32_t id, const ProbeResult& result,
                io::Clock::time_point began = io::Clock::time_point::max());
  void set_ejected(std::uint32_t id, bool ejected);
  // As if all of it had happened here. Requires: `id` is known.
  void remember(std::uint32_t id, const KnownProbes& known);
  void remember(std::uint32_t id, const Ejection& ejection);
  // Of some backend with a health check and an address the probes have not said yet what it is.
  bool any_unknown() const;

  const MonitoredBackend* find(std::uint32_t id) const;
  const std::map<std::uint32_t, MonitoredBackend>& all() const { return backends_; }
  // Eligible backends of the pool this one is in, and whether it is one of them (H1).
  struct Standing {
    std::size_t eligible = 0;
    bool is_eligible = false;
  };
  Standing standing(std::uint32_t id) const;

  // Notified when a health changed.
  io::Notifier& changed() { return changed_; }
  // The health that workers see went from one to another.
  std::function<void(const MonitoredBackend& backend, observe::Health from)> on_flip;
  // `rise` probes since its ejection were passed, or it is at other addresses: there is nothing to hold
  // against it.
  std::function<void(std::uint32_t id, const std::string& why)> on_cleared;

 private:
  void refresh(MonitoredBackend& backend, const route::Service& service, const route::Pool& pool,
               const route::Backend& wanted);
  void move(MonitoredBackend& backend, const route::Backend& wanted);
  void forget_gone(const route::Snapshot& before, std::vector<std::uint32_t>& touched);
  void forget_if_gone(const route::Service& before, std::vector<std::uint32_t>& touched);
  void settle(MonitoredBackend& backend);
  void ramp(MonitoredBackend& backend);

  io::Notifier changed_;
  std::function<io::Clock::time_point()> now_;
  route::SnapshotPtr snapshot_;
  std::map<std::uint32_t, MonitoredBackend> backends_;  // by BackendLive::id
};

}  // namespace sluice::health
