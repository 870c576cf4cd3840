// What probes say of one backend (H2). Pure.
#pragma once

#include <chrono>

#include "proxy/observe/live.hpp"

namespace sluice::health {

// Requires: rise and fall of at least 1. `fall` counts at least 2: one failed probe flips nothing.
class HealthState {
 public:
  HealthState(int rise, int fall) { set_counts(rise, fall); }

  // The configuration changed; what is known stays.
  void set_counts(int rise, int fall);
  // The result of a probe. True when health() is another one now.
  bool observe(bool ok);
  observe::Health health() const { return health_; }  // unknown, up or down
  // Nothing is known yet, or the last probes contradict what is: the next one should come sooner.
  bool settled() const { return health_ != observe::Health::unknown && in_a_row_ == 0; }
  // Results against the present health, one after the other.
  int against() const { return in_a_row_; }

  // All that probes have said, without the counts that are configured.
  struct Known {
    observe::Health health = observe::Health::unknown;
    bool last_ok = false;
    int in_a_row = 0;
  };
  Known known() const { return {health_, last_ok_, in_a_row_}; }
  void remember(const Known& known) {
    health_ = known.health;
    last_ok_ = known.last_ok;
    in_a_row_ = known.in_a_row;
  }

 private:
  bool flip(observe::Health to);

  int rise_ = 1, fall_ = 2;
  observe::Health health_ = observe::Health::unknown;
  bool last_ok_ = false;
  int in_a_row_ = 0;
};

// Until the next probe: sooner while unsettled. `jitter` in [-1, 1] moves it by up to 10 % (H2: probes are
// spread in time).
std::chrono::milliseconds next_probe(std::chrono::milliseconds interval, bool settled, double jitter);

}  // namespace sluice::health
