// How many requests each key has made lately, for a service's rate limit: a table of fixed size that all
// workers share without locks, and after an upgrade for a while those of two processes
// (base/shared_memory.hpp). Any thread; time is an argument.
//
// A key's state is one number, the moment at which its bucket would be full again (the theoretical arrival
// time of the generic cell rate algorithm, ITU-T I.371 annex A: a token bucket without a clock of its own). A
// slot holds it beside a part of the key's hash. A new key takes the slot of its bucket of eight that is
// nearest to being full again; one that is full is forgotten without loss. So memory is bounded whatever
// clients invent; a flood of keys can at worst make the table forget which keys were near their limit.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace sluice::observe {

class RateTable {
 public:
  static constexpr std::size_t kBuckets = 8192;  // of 64 bytes
  static constexpr std::size_t kWays = 8;

  // 0 when the key may make a request now, which is counted; else how many microseconds until it may.
  // `period_micros` is the time between two requests of a steady client, `burst` how many may come at once.
  // Requires: both at least 1.
  std::uint64_t take(std::uint64_t key, std::uint64_t now_micros, std::uint64_t period_micros,
                     std::uint32_t burst);

 private:
  using Slot = std::atomic<std::uint64_t>;
  struct alignas(64) Bucket {
    std::array<Slot, kWays> slots{};
  };

  Slot& slot_of(Bucket& bucket, std::uint64_t tag, std::uint64_t now) const;

  std::array<Bucket, kBuckets> buckets_{};
};

}  // namespace sluice::observe
