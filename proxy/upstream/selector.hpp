// Which backend of a pool a request goes to: the one place where a backend is chosen, for requests and for
// copies of them. Pure, but for the steady clock, which is read while a backend of the pool is in its slow
// start. It claims nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "proxy/route/balance.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::upstream {

// Looked at per choice; a larger pool is looked at from a random place on.
constexpr std::size_t kMaxCandidates = 64;

// A request looks for a backend.
struct Wish {
  const route::Pool& pool;
  config::Balance balance;
  std::chrono::milliseconds slow_start;  // 0: none
  route::RoundRobinState& round_robin;
  std::uint64_t key_hash;                // of Balance::hash
  std::span<const std::uint32_t> tried;  // ids of backends that are not to be asked again
  std::uint64_t random;                  // read when the pool has more than kMaxCandidates backends
};

struct Selection {
  enum class Kind : std::uint8_t {
    backend,  // pool.backends[index]
    full,     // backends would do, but each of them has all requests that it may have
    none,     // no backend would do
  };
  Kind kind = Kind::none;
  std::size_t index = 0;
};

// H1. The live state of the backends is read: a drain counts at once (D2).
Selection select_backend(const Wish& wish);

}  // namespace sluice::upstream
