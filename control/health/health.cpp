#include "control/health/health.hpp"

#include <algorithm>

namespace sluice::health {

using observe::Health;
using std::chrono::milliseconds;

void HealthState::set_counts(int rise, int fall) {
  rise_ = rise;
  fall_ = std::max(fall, 2);
}

bool HealthState::observe(bool ok) {
  const bool confirms = health_ == (ok ? Health::up : Health::down);
  if (confirms) {
    in_a_row_ = 0;
    return false;
  }
  in_a_row_ = ok == last_ok_ ? in_a_row_ + 1 : 1;
  last_ok_ = ok;
  if (in_a_row_ < (ok ? rise_ : fall_)) return false;
  return flip(ok ? Health::up : Health::down);
}

bool HealthState::flip(Health to) {
  health_ = to;
  in_a_row_ = 0;
  return true;
}

milliseconds next_probe(milliseconds interval, bool settled, double jitter) {
  constexpr milliseconds kShortest{100};
  const milliseconds base = settled ? interval : std::min(interval, std::max(interval / 4, kShortest));
  return base +
         milliseconds(static_cast<milliseconds::rep>(static_cast<double>(base.count()) * 0.1 * jitter));
}

}  // namespace sluice::health
