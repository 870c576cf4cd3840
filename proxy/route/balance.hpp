// Which backend of the chosen pool a request goes to (H1 and `balance:`). Pure; it never changes which pool
// was chosen (S1).
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/config/spec.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::route {

// An eligible backend, as one request sees it.
struct Candidate {
  std::uint32_t index = 0;      // in Pool::backends; what pick() returns
  double weight = 1;            // the slow start's part of it, from ramp()
  std::uint64_t in_flight = 0;  // of all workers; read by least_requests only
  std::uint64_t id = 0;  // BackendLive::id; for hash balancing backend_identity(), which outlives the process
};

// The credits of smooth weighted round robin, by Candidate::id: one of these serves all pools of a worker.
// Worker only. Backends and weights may come, go and change at any time: an absent one keeps its credit, a
// new one begins with a part of its weight that depends on `seed`, so that workers do not all begin with the
// same backend.
class RoundRobinState {
 public:
  explicit RoundRobinState(std::uint64_t seed = 0) : seed_(seed) {}
  double& credit(std::uint64_t id, double weight);
  void forget(std::uint64_t id) { credits_.erase(id); }  // of a backend that is gone for good

 private:
  std::uint64_t seed_;
  boost::unordered_flat_map<std::uint64_t, double> credits_;
};

// The Candidate::index of the one to use. Weights 0 get nothing unless all are 0: then all count alike.
//   round_robin     smooth: no runs of one backend, exact weights over each round
//   least_requests  the fewest in flight for its weight; among equals round robin
//   hash            weighted rendezvous of `key_hash`: a backend that comes or goes moves only its own keys
// `key_hash` is hash64("backend", salt, key), read by hash only. Requires: candidates is not empty. Never
// allocates once a backend was seen. Linear in the candidates.
std::size_t pick(config::Balance balance, std::span<const Candidate> candidates, RoundRobinState& state,
                 std::uint64_t key_hash);

// What hash balancing knows a backend by: its name (S7: under a tag of its own).
std::uint64_t backend_identity(std::string_view name);

// The weight `since` after a backend became usable: it grows with time over `slow_start`, from a floor of a
// tenth.
double ramp(double weight, std::chrono::microseconds since, std::chrono::milliseconds slow_start);

// H1. The operator's word counts as soon as either the snapshot or the live state has it.
bool is_ready(const Backend& backend);
// A ready backend of the pool is known to be up.
bool pool_has_up(const Pool& pool);
// It has an address, and is ready and up, or unknown while nothing in the pool is known to be up.
bool eligible(const Backend& backend, bool pool_has_up);

// Another of its group, in a lower tier, can serve: it is that one's turn. `is_out` tells by id who does not
// count.
template <typename IsOut>
bool outranked(const Pool& pool, const Backend& backend, bool pool_has_up, IsOut is_out) {
  if (backend.tier == 0) return false;
  for (const auto& other : pool.backends)
    if (other.tier < backend.tier && other.group == backend.group && eligible(other, pool_has_up) &&
        !is_out(other.live->id))
      return true;
  return false;
}
inline bool outranked(const Pool& pool, const Backend& backend, bool pool_has_up) {
  return outranked(pool, backend, pool_has_up, [](std::uint32_t) { return false; });
}

}  // namespace sluice::route
