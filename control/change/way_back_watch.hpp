// Looks at the way back of every service that has one (rollout/way_back.hpp): says it in status, and tells
// when it is lost and when it is back. Control thread only.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "control/change/in_force.hpp"
#include "control/change/recorder.hpp"
#include "control/change/sliding_window.hpp"
#include "control/health/health_registry.hpp"
#include "control/rollout/way_back.hpp"

namespace sluice::change {

class WayBackWatch {
 public:
  // All of them outlive this.
  WayBackWatch(const InForce& in_force, const SlidingWindow& recent, const health::HealthRegistry& health,
               Recorder& recorder)
      : in_force_(in_force), recent_(recent), health_(health), recorder_(recorder) {}

  // As it is now; nothing when the service has no way back.
  std::optional<protocol::RollbackStatus> of(const state::ServiceState& service) const;
  void tick();  // once a second

 private:
  struct Watched {
    std::string pool;
    rollout::Debounce debounce;
  };
  // The end of what a pool shows to its backends, read anew when the configuration is.
  struct Shown {
    std::string digest;
    std::int64_t not_after = 0;
  };
  rollout::WayBack look(const route::Service& service, const route::Pool& pool) const;
  void add_backends(rollout::WayBack& way, const route::Service& service, const route::Pool& pool) const;
  std::string expired(const std::string& service, const std::string& pool) const;
  void tell(const std::string& service, const protocol::RollbackStatus& status, rollout::Debounce::Told told);

  const InForce& in_force_;
  const SlidingWindow& recent_;
  const health::HealthRegistry& health_;
  Recorder& recorder_;
  std::map<std::string, Watched> watched_;      // by service, of those that have a way back
  mutable std::map<std::string, Shown> shown_;  // by file
};

}  // namespace sluice::change
