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

#include "control/health/health.hpp"
#include "control/health/probe.hpp"
#include "control/io/notifier.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::health {

struct Watched {
  std::string service, pool, name;
  std::string authority;                          // as what it is spoken to
  std::vector<route::Endpoint> endpoints;         // empty: its name is not known, it is down
  std::string looked_up;                          // as in route::Backend
  std::shared_ptr<const tls::ClientContext> tls;  // null: spoken to in clear
  ProxyVersion proxy_protocol = ProxyVersion::off;
  observe::Admin admin = observe::Admin::ready;
  std::optional<config::HealthCheckSpec> check;
  config::OutlierSpec outlier;
  std::chrono::milliseconds slow_start{0};
  std::shared_ptr<observe::BackendLive> live;
  std::shared_ptr<observe::PoolLive> pool_live;
  HealthState probed{1, 2};
  std::uint64_t probes = 0, last_failed = 0;  // results so far, and the number of the last that was bad
  bool ejected = false;
  io::Clock::time_point ejected_at{};
  int passed_since = 0;    // probes in a row that began after the ejection and were passed
  bool usable = false;     // took requests after its last change; a slow start begins when that turns true
  std::string last_error;  // of the last probe; empty when it succeeded
};
std::string to_string(const Watched& backend);  // "api/blue/127.0.0.1:9001"

class HealthBoard {
 public:
  // `now` is the steady clock's; a parameter for the tests.
  explicit HealthBoard(boost::asio::any_io_executor loop,
                       std::function<io::Clock::time_point()> now = io::Clock::now);

  // The snapshot in force from now on. What is known of its backends stays known (C4).
  void adopt(route::SnapshotPtr snapshot);
  // The result of a probe that began at `began`.
  void observed(std::uint32_t id, const ProbeResult& result,
                io::Clock::time_point began = io::Clock::time_point::max());
  void set_ejected(std::uint32_t id, bool ejected);

  const Watched* find(std::uint32_t id) const;
  const std::map<std::uint32_t, Watched>& all() const { return watched_; }
  // Eligible backends of the pool this one is in, and whether it is one of them (H1).
  struct Standing {
    std::size_t eligible = 0;
    bool is_eligible = false;
  };
  Standing standing(std::uint32_t id) const;

  // Rings when a health changed.
  io::Notifier& changed() { return notifier_; }
  // The health that workers see went from one to another.
  std::function<void(const Watched& backend, observe::Health from)> on_flip;
  // `rise` probes since its ejection were passed, or it is at other addresses: there is nothing to hold
  // against it.
  std::function<void(std::uint32_t id, const std::string& why)> on_cleared;

 private:
  void refresh(Watched& backend, const route::Service& service, const route::Pool& pool,
               const route::Backend& wanted);
  void move(Watched& backend, const route::Backend& wanted);
  void settle(Watched& backend);
  void ramp(Watched& backend);

  io::Notifier notifier_;
  std::function<io::Clock::time_point()> now_;
  route::SnapshotPtr snapshot_;
  std::map<std::uint32_t, Watched> watched_;  // by BackendLive::id
};

}  // namespace sluice::health
