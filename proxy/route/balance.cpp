#include "proxy/route/balance.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "proxy/base/hash.hpp"
#include "proxy/route/mix.hpp"

namespace sluice::route {
namespace {

constexpr double kRampFloor = 0.1;  // a backend that gets no requests never warms up

// In (0, 1), neither end included.
double unit(std::uint64_t hash) { return (static_cast<double>(hash >> 12) + 0.5) * 0x1p-52; }

// Every weight counts as 1 when all are 0.
bool all_zero(std::span<const Candidate> candidates) {
  return std::ranges::all_of(candidates, [](const Candidate& c) { return c.weight <= 0; });
}

// Those that take part in a choice, with the weight that counts in it.
class Weights {
 public:
  explicit Weights(std::span<const Candidate> candidates) : equal_(all_zero(candidates)) {}
  double of(const Candidate& c) const { return equal_ ? 1.0 : c.weight; }

 private:
  bool equal_;
};

// Smooth weighted round robin, as nginx has it: everyone gains its weight, the richest is chosen and pays for
// all. Undisturbed, credits stay within one total; what a change of weights left beyond is cut, or the poorer
// one would starve for long.
template <typename TakesPart>
std::size_t pick_round_robin(std::span<const Candidate> candidates, RoundRobinState& state,
                             const Weights& weights, TakesPart takes_part) {
  double total = 0;
  for (const auto& c : candidates) total += takes_part(c) ? weights.of(c) : 0;
  const Candidate* best = nullptr;
  double best_credit = 0;
  for (const auto& c : candidates) {
    const double weight = weights.of(c);
    if (weight <= 0 || !takes_part(c)) continue;
    double& credit = state.credit(c.id, weight);
    credit = std::clamp(credit, -total, total) + weight;
    if (!best || credit > best_credit) {
      best = &c;
      best_credit = credit;
    }
  }
  state.credit(best->id, 0) -= total;
  return best->index;
}

std::size_t pick_least_requests(std::span<const Candidate> candidates, RoundRobinState& state,
                                const Weights& weights) {
  const auto load = [&](const Candidate& c) {
    return weights.of(c) > 0 ? static_cast<double>(c.in_flight) / weights.of(c) : HUGE_VAL;
  };
  double least = HUGE_VAL;
  for (const auto& c : candidates) least = std::min(least, load(c));
  return pick_round_robin(candidates, state, weights, [&](const Candidate& c) { return load(c) <= least; });
}

// Each candidate draws -log(u) / weight, the smallest wins: with exponential draws the chances are exactly
// the weights.
std::size_t pick_hash(std::span<const Candidate> candidates, const Weights& weights, std::uint64_t key_hash) {
  const Candidate* best = nullptr;
  double best_draw = HUGE_VAL;
  for (const auto& c : candidates) {
    if (weights.of(c) <= 0) continue;
    const double draw = -std::log(unit(mix(key_hash ^ mix(c.id)))) / weights.of(c);
    if (best && draw >= best_draw) continue;
    best = &c;
    best_draw = draw;
  }
  return best->index;
}

}  // namespace

double& RoundRobinState::credit(std::uint64_t id, double weight) {
  const auto found = credits_.find(id);
  if (found != credits_.end()) return found->second;
  return credits_[id] = weight * unit(mix(seed_ + mix(id)));
}

std::size_t pick(config::Balance balance, std::span<const Candidate> candidates, RoundRobinState& state,
                 std::uint64_t key_hash) {
  assert(!candidates.empty());
  const Weights weights(candidates);
  switch (balance) {
    case config::Balance::least_requests:
      return pick_least_requests(candidates, state, weights);
    case config::Balance::hash:
      return pick_hash(candidates, weights, key_hash);
    case config::Balance::round_robin:
      break;
  }
  return pick_round_robin(candidates, state, weights, [](const Candidate&) { return true; });
}

std::uint64_t backend_identity(std::string_view name) { return hash64("backend-name", {}, name); }

double ramp(double weight, std::chrono::microseconds since, std::chrono::milliseconds slow_start) {
  if (since >= slow_start) return weight;
  const double part =
      static_cast<double>(since.count()) / static_cast<double>(std::chrono::microseconds(slow_start).count());
  return weight * std::max(kRampFloor, part);
}

bool is_ready(const Backend& backend) {
  return backend.admin == observe::Admin::ready &&
         backend.live->admin.load(std::memory_order_relaxed) == observe::Admin::ready;
}

bool pool_has_up(const Pool& pool) {
  return std::ranges::any_of(pool.backends, [](const Backend& b) {
    return b.live->health.load(std::memory_order_relaxed) == observe::Health::up && is_ready(b) &&
           !b.endpoints.empty();
  });
}

bool eligible(const Backend& backend, bool pool_has_up) {
  if (!is_ready(backend) || backend.endpoints.empty()) return false;
  const auto health = backend.live->health.load(std::memory_order_relaxed);
  return health == observe::Health::up || (health == observe::Health::unknown && !pool_has_up);
}

}  // namespace sluice::route
