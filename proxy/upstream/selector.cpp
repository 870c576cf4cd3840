#include "proxy/upstream/selector.hpp"

#include <algorithm>

namespace sluice::upstream {
namespace {

// Not initialised: only the few that are filled are read, and clearing them all showed in the cost of a
// request.
union CandidateRoom {
  CandidateRoom() {}
  route::Candidate items[kMaxCandidates];
};

// What the backend's weight counts for now (slow start).
double weight_now(const route::Backend& backend, std::chrono::milliseconds slow_start) {
  const auto began = backend.live->ramp_started_micros.load(std::memory_order_relaxed);
  if (began == 0) return backend.weight;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const auto since =
      std::chrono::duration_cast<std::chrono::microseconds>(now) - std::chrono::microseconds(began);
  return route::ramp(backend.weight, since, slow_start);
}

}  // namespace

Selection select_backend(const Wish& wish) {
  const route::Pool& pool = wish.pool;
  const auto tried = [&wish](std::uint32_t id) {
    return std::find(wish.tried.begin(), wish.tried.end(), id) != wish.tried.end();
  };
  const bool by_load = wish.balance == config::Balance::least_requests;
  const bool by_hash = wish.balance == config::Balance::hash;
  const bool has_up = route::pool_has_up(pool);
  const std::size_t size = pool.backends.size();
  CandidateRoom room;
  route::Candidate* const candidates = room.items;
  std::size_t count = 0;
  bool full = false;
  std::size_t index = size > kMaxCandidates ? wish.random % size : 0;
  for (std::size_t left = size; left > 0 && count < kMaxCandidates; --left, ++index) {
    if (index == size) index = 0;
    const route::Backend& backend = pool.backends[index];
    if (!route::eligible(backend, has_up) || tried(backend.live->id)) continue;
    if (pool.has_tiers && route::outranked(pool, backend, has_up, tried)) continue;
    if (backend.full()) {
      full = true;
      continue;
    }
    candidates[count++] = {static_cast<std::uint32_t>(index), weight_now(backend, wish.slow_start),
                           by_load ? backend.live->in_flight() : 0,
                           by_hash ? route::backend_identity(backend.name) : backend.live->id};
  }
  if (count == 0) return {full ? Selection::Kind::full : Selection::Kind::none, 0};
  if (count == 1) return {Selection::Kind::backend, candidates[0].index};
  return {Selection::Kind::backend,
          route::pick(wish.balance, {candidates, count}, wish.round_robin, wish.key_hash)};
}

}  // namespace sluice::upstream
