// Whom a rollout's judge compares: two cohorts of users, told apart by places (Decision::place). Immutable;
// pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "proxy/observe/trial_counters.hpp"
#include "proxy/route/slots.hpp"

namespace sluice::route {

// Intervals of places, in order, apart from each other.
class Places {
 public:
  struct Interval {
    std::uint32_t first = 0, end = 0;
    bool operator==(const Interval&) const = default;
  };
  Places() = default;
  explicit Places(std::vector<Interval> intervals);

  bool contains(std::uint32_t place) const {
    const auto after = std::upper_bound(intervals_.begin(), intervals_.end(), place,
                                        [](std::uint32_t at, const Interval& one) { return at < one.end; });
    return after != intervals_.end() && after->first <= place;
  }
  std::uint32_t size() const;
  const std::vector<Interval>& intervals() const { return intervals_; }
  bool operator==(const Places&) const = default;

 private:
  std::vector<Interval> intervals_;
};

// Of one pool.
struct Cohort {
  Places slots;   // of users with a key
  Places points;  // of the split, for requests without one
  bool operator==(const Cohort&) const = default;
};

// `share` of the slots that are lowest in the stack of `pool`, which are the last that it gives away; so the
// cohort of a smaller share is part of that of a larger one. All of them, when it has no more.
Places lowest(const SlotTable& table, PoolIndex pool, config::Share share);
// The slots that `pool` gives away when the shares become these.
Places given_away(const SlotTable& table, PoolIndex pool, std::span<const config::Share> shares);
// The first or the last `share` of the points of a pool whose interval begins at `begin` and is `width` wide.
Places first_points(std::uint32_t begin, std::uint32_t width, config::Share share);
Places last_points(std::uint32_t begin, std::uint32_t width, config::Share share);

struct Trial {
  enum class Arm : std::uint8_t { none, canary, control };

  std::size_t canary_pool = 0, control_pool = 0;  // indices into Service::pools
  // Whose requests count. Null: all of that pool's.
  std::shared_ptr<const Cohort> canary, control;
  config::Share share = 0;                          // of either cohort, when they are of equal size; else 0
  bool by_users = false;                            // the service has keys: cells tell users apart
  std::shared_ptr<observe::TrialCounters> counted;  // never null

  // Of a request of `pool` that was not an override. `by_key`: its place is a slot.
  Arm arm_of(std::size_t pool, std::uint32_t place, bool by_key) const {
    const auto in = [&](const std::shared_ptr<const Cohort>& cohort) {
      return !cohort || (by_key ? cohort->slots : cohort->points).contains(place);
    };
    if (pool == canary_pool && in(canary)) return Arm::canary;
    return pool == control_pool && in(control) ? Arm::control : Arm::none;
  }
};

}  // namespace sluice::route
