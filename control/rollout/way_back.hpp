// Whether a service could go back right now: the old pool's backends, and what each of them would have to
// bear. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/protocol/status.hpp"
#include "control/rollout/judgement.hpp"
#include "proxy/config/plan_spec.hpp"

namespace sluice::rollout {

// What is known of the pool that all requests would go to.
struct WayBack {
  std::string pool;
  std::size_t backends = 0, up = 0;  // all of them, and those that take requests
  std::size_t unprobed = 0;  // of `up`, in a service whose backends are probed: no probe has ended yet
  std::uint64_t idle_connections = 0;
  std::string trouble;      // of a backend that is not up, as its last probe said it
  std::string certificate;  // a clause, of what is shown to the backends and has expired; empty: nothing has
  double rate = 0;          // requests a second of the whole service, of the last minute
  double in_flight = 0;     // likewise
  double peak_per_backend = 0;  // requests a second, of the last day; 0: not known
  std::uint64_t capacity = 0;   // the sum of max_in_flight of those that are up; 0: there is no limit
  std::optional<std::chrono::milliseconds> left;  // until the pool is kept no longer
};

// A backend has shown what it bears by what it bore; a fifth more is taken for the growth of a day.
inline constexpr double kMostOfPeak = 1.2;
// Below so many requests a second for each backend nothing is said of load.
inline constexpr double kTrifle = 1;

protocol::RollbackStatus status_of(const WayBack& way);

// A gate `rollback_ready`: it passes or is insufficient, and never fails.
Judgement judge_way_back(const config::GateSpec& gate, const std::optional<protocol::RollbackStatus>& status);

// What is told of readiness that comes and goes: lost when it has been so for a while, back when that has
// been so for a longer while.
class Debounce {
 public:
  static constexpr std::chrono::seconds kLost{3}, kBack{10};
  enum class Told : std::uint8_t { nothing, lost, back };
  // One that begins unready is lost at once after kLost.
  Told look(bool ready, std::chrono::steady_clock::time_point now);
  bool lost() const { return lost_; }

 private:
  bool lost_ = false;
  std::optional<std::chrono::steady_clock::time_point> differs_since_;
};

}  // namespace sluice::rollout
